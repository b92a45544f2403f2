// SPDX-License-Identifier: Apache-2.0
package fairuse.bench;

/**
 * Reads a speech event (docs/events-format.md) from its bytes in one pass, without objects. It looks only at what the
 * windows need and checks less than the engine's decoder does: no UTF-8 validation, no duplicate or unknown members.
 */
final class SpeechScanner {
  long timeMs;
  /** Where the id stands in the bytes. */
  int idFrom;
  int idTo;
  /** Speech of an event without segments. */
  int ms;
  /** begin and end of each segment, in turn; relative to timeMs. */
  int[] bounds = new int[64];
  int boundCount;
  boolean hasSegments;

  private static final byte[] SPEECH = "fairuse.speech.v1".getBytes();

  private byte[] text;
  private int at;
  private int textFrom;
  private int textTo;

  /** False: not a speech event, or not one that this scanner understands. */
  boolean scan(byte[] bytes) {
    text = bytes;
    at = 0;
    ms = 0;
    boundCount = 0;
    hasSegments = false;
    boolean speech = false;
    boolean timed = false;
    try {
      if (!take('{')) return false;
      do {
        string();
        final int from = textFrom;
        final int size = textTo - from;
        take(':');
        if (size == 4 && is(from, 't', 'i', 'm', 'e')) {
          string();
          timeMs = instant(textFrom);
          timed = true;
        } else if (size == 4 && is(from, 't', 'y', 'p', 'e')) {
          string();
          speech = isSpeech();
          if (!speech) return false;
        } else if (size == 4 && is(from, 'd', 'a', 't', 'a')) {
          data();
        } else if (size == 2 && text[from] == 'i' && text[from + 1] == 'd') {
          string();
          idFrom = textFrom;
          idTo = textTo;
        } else {
          skip();
        }
      } while (take(','));
    } catch (ArrayIndexOutOfBoundsException endOfText) {
      return false;
    }
    return speech && timed;
  }

  private void data() {
    take('{');
    do {
      string();
      final int from = textFrom;
      final int size = textTo - from;
      take(':');
      if (size == 8 && text[from] == 's') {
        segments();
      } else if (size == 2 && text[from] == 'm') {
        ms = number();
      } else {
        skip();
      }
    } while (take(','));
    take('}');
  }

  private void segments() {
    hasSegments = true;
    take('[');
    if (take(']')) return;
    do {
      take('[');
      if (boundCount + 2 > bounds.length) bounds = java.util.Arrays.copyOf(bounds, bounds.length * 2);
      bounds[boundCount++] = number();
      take(',');
      bounds[boundCount++] = number();
      take(']');
    } while (take(','));
    take(']');
  }

  private boolean take(char wanted) {
    while (text[at] <= ' ') ++at;
    if (text[at] != wanted) return false;
    ++at;
    return true;
  }

  private void string() {
    take('"');
    // The compiler keeps locals, not fields, in registers.
    final byte[] bytes = text;
    int end = at;
    for (byte b = bytes[end]; b != '"'; b = bytes[end]) end += b == '\\' ? 2 : 1;
    textFrom = at;
    textTo = end;
    at = end + 1;
  }

  private int number() {
    final byte[] bytes = text;
    int end = at;
    while (bytes[end] <= ' ') ++end;
    int value = 0;
    for (int digit = bytes[end] - '0'; digit >= 0 && digit <= 9; digit = bytes[end] - '0') {
      value = value * 10 + digit;
      ++end;
    }
    at = end;
    return value;
  }

  private void skip() {
    while (text[at] <= ' ') ++at;
    if (text[at] == '"') {
      string();
      return;
    }
    int depth = 0;
    for (;; ++at) {
      final byte b = text[at];
      if (b == '"') {
        string();
        --at;
      } else if (b == '{' || b == '[') {
        ++depth;
      } else if (b == '}' || b == ']') {
        if (depth == 0) return;
        --depth;
      } else if (b == ',' && depth == 0) {
        return;
      }
    }
  }

  private boolean is(int from, char a, char b, char c, char d) {
    return text[from] == a && text[from + 1] == b && text[from + 2] == c && text[from + 3] == d;
  }

  private boolean isSpeech() {
    return java.util.Arrays.equals(text, textFrom, textTo, SPEECH, 0, SPEECH.length);
  }

  private int digits(int from, int count) {
    int value = 0;
    for (int i = from; i < from + count; ++i) value = value * 10 + (text[i] - '0');
    return value;
  }

  /** yyyy-mm-ddThh:mm:ss.mmmZ, as the benchmark's writer puts it. */
  private long instant(int from) {
    final int year = digits(from, 4);
    final int month = digits(from + 5, 2);
    final int day = digits(from + 8, 2);
    // Days since 1970-03-01's cycle: years begin in March, so the leap day is the last of its year.
    final int y = month <= 2 ? year - 1 : year;
    final int m = month <= 2 ? month + 9 : month - 3;
    final long days = 365L * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    final long seconds = days * 86_400 + digits(from + 11, 2) * 3_600 + digits(from + 14, 2) * 60 + digits(from + 17, 2);
    return seconds * 1_000 + (text[from + 19] == '.' ? digits(from + 20, 3) : 0);
  }
}
