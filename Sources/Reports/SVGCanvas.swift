// SPDX-License-Identifier: GPL-3.0-or-later

/// An SVG drawing that is written part by part.
///
/// Colours are attributes, so that a drawing stands alone; the class beside each lets a page replace
/// them where it is dark or printed.
struct SVGCanvas {
  /// A colour of the drawing: one of the palette, or what text and axes have.
  enum Ink: Hashable {
    /// A series' colour, by its number.
    case series(Int)
    /// Text.
    case text
    /// Axes and frames.
    case axis
    /// Lines behind everything.
    case grid
    /// The ground of the page.
    case ground

    /// The palette of Okabe and Ito without its yellow, which white swallows; then a grey.
    static let palette = [
      "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6e6e6e",
    ]

    /// The place in the palette.
    static func place(_ series: Int) -> Int { series % palette.count }

    fileprivate var color: String {
      switch self {
      case .series(let number): Self.palette[Self.place(number)]
      case .text: "#1b1b1b"
      case .axis: "#555555"
      case .grid: "#dddddd"
      case .ground: "#ffffff"
      }
    }

    /// What the colour's classes end with: `f0` fills with the first of the palette, `s0` draws with it.
    fileprivate var name: String {
      switch self {
      case .series(let number): "\(Self.place(number))"
      case .text: "t"
      case .axis: "a"
      case .grid: "g"
      case .ground: "b"
      }
    }
  }

  /// On which side of its place a text stands.
  enum Anchor: String { case start, middle, end }

  /// The size of text in units.
  static let size = 13.0
  /// The width in units.
  let width: Double
  /// The elements so far.
  private(set) var parts: [String] = []

  init(width: Double) { self.width = width }

  /// The whole drawing with what it shows in words, `height` units high.
  func element(height: Double, label: String, title: String? = nil) -> String {
    let head =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(decimal(width, places: 0)) "
      + "\(decimal(height, places: 0))\" role=\"img\" aria-label=\"\(escaped(label))\" "
      + "font-family=\"system-ui, sans-serif\" font-size=\"13\">"
    let name = title.map { ["<title>\(escaped($0))</title>"] } ?? []
    return ([head] + name + parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  mutating func text(
    _ text: String,
    x: Double,
    y: Double,
    anchor: Anchor = .start,
    isBold: Bool = false
  ) {
    let weight = isBold ? " font-weight=\"600\"" : ""
    parts.append(
      "<text x=\"\(decimal(x))\" y=\"\(decimal(y))\" text-anchor=\"\(anchor.rawValue)\"\(weight) "
        + "\(Self.paint(fill: .text))>\(escaped(text))</text>"
    )
  }

  mutating func line(
    from start: (x: Double, y: Double),
    to end: (x: Double, y: Double),
    _ ink: Ink = .axis,
    width: Double = 1,
    dash: String? = nil
  ) {
    let dashes = dash.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    parts.append(
      "<line x1=\"\(decimal(start.x))\" y1=\"\(decimal(start.y))\" x2=\"\(decimal(end.x))\" "
        + "y2=\"\(decimal(end.y))\" \(Self.paint(stroke: ink)) stroke-width=\"\(decimal(width))\"\(dashes)/>"
    )
  }

  mutating func polyline(_ points: [(x: Double, y: Double)], _ ink: Ink, dash: String? = nil) {
    let dashes = dash.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    parts.append(
      "<polyline points=\"\(Self.list(points))\" \(Self.paint(stroke: ink)) "
        + "stroke-width=\"2\"\(dashes)/>"
    )
  }

  /// A filled shape with these corners; `opacity` from 0 to 1.
  mutating func polygon(_ points: [(x: Double, y: Double)], _ ink: Ink, opacity: Double = 1) {
    parts.append(
      "<polygon points=\"\(Self.list(points))\" \(Self.paint(fill: ink)) "
        + "fill-opacity=\"\(decimal(opacity, places: 2))\"/>"
    )
  }

  /// A rectangle; `tip` is shown beside the pointer.
  mutating func rectangle(
    x: Double,
    y: Double,
    width: Double,
    height: Double,
    _ ink: Ink,
    isFilled: Bool = true,
    tip: String? = nil
  ) {
    let paint =
      isFilled ? Self.paint(fill: ink, stroke: .ground) : Self.paint(stroke: ink)
    let head =
      "<rect x=\"\(decimal(x))\" y=\"\(decimal(y))\" width=\"\(decimal(max(0, width)))\" "
      + "height=\"\(decimal(height))\" \(paint)"
    parts.append(head + Self.end("rect", tip))
  }

  /// The path of an area, written as it is given.
  mutating func area(_ path: String, _ ink: Ink) {
    parts.append("<path d=\"\(path)\" \(Self.paint(fill: ink))/>")
  }

  /// A series' mark: each number has a shape of its own.
  mutating func mark(
    _ number: Int,
    x: Double,
    y: Double,
    isHollow: Bool = false,
    tip: String? = nil
  ) {
    let (ink, r) = (Ink.series(number), 4.5)
    let paint = Self.paint(fill: isHollow ? .ground : ink, stroke: ink, others: "point ")
    let shape: (name: String, place: String)
    switch number % 4 {
    case 0:
      shape = ("circle", "cx=\"\(decimal(x))\" cy=\"\(decimal(y))\" r=\"4.5\"")
    case 1:
      shape = (
        "rect",
        "x=\"\(decimal(x - r))\" y=\"\(decimal(y - r))\" width=\"9.0\" height=\"9.0\""
      )
    case 2:
      let corners = [(x, y - r - 1.5), (x + r + 1, y + r), (x - r - 1, y + r)]
      shape = ("polygon", "points=\"\(Self.list(corners))\"")
    default:
      let corners = [(x, y - r - 1.5), (x + r + 1.5, y), (x, y + r + 1.5), (x - r - 1.5, y)]
      shape = ("polygon", "points=\"\(Self.list(corners))\"")
    }
    parts.append("<\(shape.name) \(shape.place) \(paint)" + Self.end(shape.name, tip))
  }

  /// About how wide a text is, in units; rather too wide.
  static func width(of text: String) -> Double {
    text.unicodeScalars.reduce(0) { sum, scalar in
      let share =
        switch scalar {
        case "i", "j", "l", "t", "f", "r", "I", ".", ",", ":", ";", "|", "'", "!", " ", "[", "]",
          "(", ")", "-":
          0.42
        case "m", "w", "M", "W", "@", "%": 0.98
        case "A"..."Z": 0.74
        default: scalar.isASCII ? 0.61 : 1.05
        }
      return sum + share * size
    }
  }

  /// A text cut to a width, with dots where something is missing.
  static func fitted(_ text: String, width most: Double) -> String {
    guard width(of: text) > most else { return text }
    var kept = Array(text.unicodeScalars)
    while !kept.isEmpty, width(of: String(String.UnicodeScalarView(kept)) + "...") > most {
      kept.removeLast()
    }
    return String(String.UnicodeScalarView(kept)) + "..."
  }

  /// The attributes of a fill, a stroke or both.
  private static func paint(fill: Ink? = nil, stroke: Ink? = nil, others: String = "") -> String {
    let names = [fill.map { "f\($0.name)" }, stroke.map { "s\($0.name)" }].compactMap(\.self)
    let line = stroke.map { " stroke=\"\($0.color)\"" } ?? ""
    return "class=\"\(others)\(names.joined(separator: " "))\" fill=\"\(fill?.color ?? "none")\""
      + line
  }

  private static func list(_ points: [(x: Double, y: Double)]) -> String {
    points.map { "\(decimal($0.x)),\(decimal($0.y))" }.joined(separator: " ")
  }

  private static func end(_ name: String, _ tip: String?) -> String {
    guard let tip else { return "/>" }
    return "><title>\(escaped(tip))</title></\(name)>"
  }
}
