package dev.perennial.server.eval.chart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class MarkupTest {
  @Test
  void element_textAndAttributesOfStrangers_areEscaped() {
    Markup out = new Markup();
    out.element("b", "<script>'&\"", "title", "\"><img onerror=x>");
    assertEquals(
        "<b title=\"&quot;&gt;&lt;img onerror=x&gt;\">&lt;script&gt;&#39;&amp;&quot;</b>",
        out.toString());
  }

  @Test
  void text_charactersThatXmlForbidsOrThatTurnText_areReplaced() {
    String text = new Markup().text("a\u0000b\u001bc\u202ed\ud800e\ud83c\udf31").toString();
    assertEquals("a\ufffdb\ufffdc\ufffdd\ufffde\ud83c\udf31", text);
  }

  @Test
  void empty_voidAndOtherElements_areBothHtmlAndXml() {
    Markup out = new Markup();
    out.empty("input", "id", "a", "class", "").empty("span");
    assertEquals("<input id=\"a\"/><span></span>", out.toString());
  }

  @Test
  void toString_elementNotClosed_isRefused() {
    Markup out = new Markup().open("p");
    assertThrows(IllegalStateException.class, out::toString);
  }

  @Test
  void style_withMarkup_isRefused() {
    Markup out = new Markup();
    assertThrows(IllegalArgumentException.class, () -> out.style("</style><b>"));
  }
}
