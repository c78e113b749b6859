package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class ShellWordsTest {
  @Test
  void join_plainWords_areLeftAsTheyAre() {
    assertEquals(
        "perennial eval --methods diki,zscl:learning-rate=1e-5",
        ShellWords.join("perennial", List.of("eval", "--methods", "diki,zscl:learning-rate=1e-5")));
  }

  @Test
  void join_wordsThatAShellWouldChange_areQuoted() {
    assertEquals(
        "perennial 'two words' 'it'\\''s' '$HOME' '' '~'",
        ShellWords.join("perennial", List.of("two words", "it's", "$HOME", "", "~")));
  }
}
