package dev.perennial.server.eval.chart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ChartsTest {
  private static final Axis UNIT = Axis.exactly("x", 0, 1, 5);

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  private static String line(LineChart.Point... points) {
    Markup out = new Markup();
    new LineChart(
            "a line",
            UNIT,
            UNIT,
            List.of(new LineChart.Series("one", 0, false, List.of(points))),
            List.of(new LineChart.Reference(0, 0, 1, 1)))
        .draw(out);
    return out.toString();
  }

  @Test
  void line_missingValue_leavesAGap() {
    String svg =
        line(
            LineChart.Point.of(0, 0.5, "first"),
            LineChart.Point.of(0.4, Double.NaN, "none"),
            LineChart.Point.of(0.6, 0.5, "third"),
            LineChart.Point.of(1, 1, "fourth"));
    assertEquals(2, count(svg, "<polyline"));
    assertEquals(3, count(svg, "<title>"));
    assertFalse(svg.contains("NaN"), svg);
  }

  @Test
  void line_ranges_areDrawnAsABand() {
    assertEquals(0, count(line(LineChart.Point.of(0, 0.5, "a")), "class=\"band\""));
    String svg =
        line(
            new LineChart.Point(0, 0.5, 0.4, 0.6, "a"), new LineChart.Point(1, 0.5, 0.3, 0.8, "b"));
    assertEquals(1, count(svg, "class=\"band\""));
  }

  @Test
  void line_cornersOfTheRange_lieOnTheFrame() {
    String svg = line(LineChart.Point.of(0, 0, "low"), LineChart.Point.of(1, 1, "high"));
    assertTrue(svg.contains("points=\"46,190 328,10\""), svg);
  }

  @Test
  void bars_upAndDown_meetAtZero() {
    Markup out = new Markup();
    new BarChart(
            "bars",
            UNIT,
            Axis.around("share", -100, 100, 4).withoutSigns(),
            List.of(
                new BarChart.Bars(0, List.of(100.0, 0.0), List.of("a", "b")),
                new BarChart.Bars(1, List.of(0.0, -50.0), List.of("c", "d"))),
            List.of())
        .draw(out);
    String svg = out.toString();
    assertTrue(svg.contains("y=\"10\" width=\"179\" height=\"100\""), svg);
    assertTrue(svg.contains("y=\"110\" width=\"179\" height=\"50\""), svg);
    assertFalse(svg.contains("\u2212"), "shares have no sign");
  }

  @Test
  void bars_reference_isDrawnOverThem() {
    Markup out = new Markup();
    new BarChart(
            "calibration",
            UNIT,
            UNIT,
            List.of(new BarChart.Bars(0, List.of(0.3, 0.8), List.of("a", "b"))),
            List.of(new LineChart.Reference(0, 0, 1, 1)))
        .draw(out);
    String svg = out.toString();
    String diagonal = "class=\"reference\" x1=\"46\" y1=\"210\" x2=\"408\" y2=\"10\"";
    assertTrue(svg.indexOf(diagonal) > svg.indexOf("<rect"), svg);
  }

  @Test
  void bars_titlesMissing_isRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new BarChart.Bars(0, List.of(1.0, 2.0), List.of("a")));
  }

  @Test
  void heatMap_rowOfAnotherLength_isRefused() {
    HeatMap.Row row = new HeatMap.Row("a", "", List.of());
    assertThrows(
        IllegalArgumentException.class,
        () -> new HeatMap("map", "corner", List.of("one"), List.of(row)));
  }

  @Test
  void face_noValue_isADash() {
    HeatMap.Face face = HeatMap.Face.of("accuracy", Double.NaN, value -> "a1", value -> "number");
    assertEquals(new HeatMap.Face("accuracy none", "\u2013"), face);
  }

  @Test
  void points_manyAtOnePlace_noNameCoversAnother() {
    List<PointChart.Point> points =
        IntStream.range(0, 30)
            .mapToObj(i -> new PointChart.Point("method " + i, i, i == 29, 0.5, 0.5, "t"))
            .toList();
    Markup out = new Markup();
    new PointChart("points", UNIT, UNIT, points, List.of()).draw(out);
    Matcher names =
        Pattern.compile("<text x=\"([0-9.]+)\" y=\"([0-9.]+)\">(method [0-9]+)")
            .matcher(out.toString());
    List<String> named = new ArrayList<>();
    List<double[]> places = new ArrayList<>();
    while (names.find()) {
      double x = Double.parseDouble(names.group(1));
      double y = Double.parseDouble(names.group(2));
      for (double[] other : places) {
        assertTrue(Math.abs(x - other[0]) > 50 || Math.abs(y - other[1]) > 12, names.group(3));
      }
      places.add(new double[] {x, y});
      named.add(names.group(3));
    }
    assertEquals("method 29", named.get(0), "the strong one chooses first");
    assertTrue(named.size() >= 4 && named.size() < 30, named.toString());
    assertEquals(30, count(out.toString(), "<title>"));
  }
}
