package dev.perennial.server.eval.chart;

/**
 * A colour of the sRGB space; components 0..1. Mixed in OKLab (Björn Ottosson, 2020), where equal
 * steps look equal; contrast as in WCAG 2.2.
 */
record Rgb(double red, double green, double blue) {
  static final Rgb WHITE = of(0xffffff);
  static final Rgb BLACK = of(0x000000);

  /** From 0xRRGGBB. */
  static Rgb of(int hex) {
    return new Rgb((hex >> 16 & 0xff) / 255.0, (hex >> 8 & 0xff) / 255.0, (hex & 0xff) / 255.0);
  }

  /** As CSS has it. */
  String hex() {
    return "#%02x%02x%02x".formatted(byteOf(red), byteOf(green), byteOf(blue));
  }

  /** 1 (the same) to 21 (black on white); text should have 4.5, lines 3. */
  double contrast(Rgb other) {
    double a = luminance();
    double b = other.luminance();
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }

  /** Black or white, whichever is read better on this colour: at least 4.58. */
  Rgb ink() {
    return contrast(WHITE) >= contrast(BLACK) ? WHITE : BLACK;
  }

  /** So much of the other colour, 0..1. */
  Rgb mix(Rgb other, double share) {
    double[] from = oklab();
    double[] to = other.oklab();
    double[] between = new double[3];
    for (int i = 0; i < between.length; i++) {
      between[i] = from[i] + share * (to[i] - from[i]);
    }
    return fromOklab(between);
  }

  private double luminance() {
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  }

  private double[] oklab() {
    double r = linear(red);
    double g = linear(green);
    double b = linear(blue);
    double l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    double m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    double s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return new double[] {
      0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s
    };
  }

  private static Rgb fromOklab(double[] lab) {
    double l = cube(lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2]);
    double m = cube(lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2]);
    double s = cube(lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2]);
    return new Rgb(
        gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
        gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
        gamma(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
  }

  private static double cube(double value) {
    return value * value * value;
  }

  private static double linear(double component) {
    return component <= 0.04045 ? component / 12.92 : Math.pow((component + 0.055) / 1.055, 2.4);
  }

  private static double gamma(double component) {
    double value =
        component <= 0.0031308 ? 12.92 * component : 1.055 * Math.pow(component, 1 / 2.4) - 0.055;
    return Math.min(1, Math.max(0, value));
  }

  private static int byteOf(double component) {
    return (int) Math.round(component * 255);
  }
}
