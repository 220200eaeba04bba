// SPDX-License-Identifier: GPL-3.0-or-later

extension HostFiles {
  /// What `/proc/cpuinfo` says of the cores.
  package struct Processors: Sendable {
    /// One kind of core.
    package struct Kind: Hashable, Sendable {
      /// The designer's number; nil where the file has none, as on other architectures.
      package let implementer: Int?
      /// The part's number.
      package let part: Int?
      /// What other architectures say: vendor and model.
      package let words: String
    }

    /// The cores by their kind, the most frequent first.
    package let kinds: [(kind: Kind, count: Int)]
    /// What user space may use, as the kernel lists it.
    package let flags: Set<String>
    /// How many cores there are.
    package var count: Int { kinds.reduce(0) { $0 + $1.count } }
  }

  /// The largest cpuinfo, in bytes: 4096 cores of a kilobyte.
  private static let coresLimit = 1 << 23

  /// The file of the cores.
  package static let cores = "/proc/cpuinfo"

  /// The cores.
  package func processors() throws(Silence) -> Processors {
    let text = try text(Self.cores, limit: Self.coresLimit)
    var counts: [(kind: Processors.Kind, count: Int)] = []
    var flags: Set<String> = []
    for block in text.split(separator: "\n\n") {
      var fields: [String: String] = [:]
      for line in block.split(separator: "\n") {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let name = String(line[..<colon].trimming(while: \.isWhitespace))
        fields[name] = String(line[line.index(after: colon)...].trimming(while: \.isWhitespace))
      }
      guard fields["processor"] != nil else { continue }
      func number(_ name: String) -> Int? {
        fields[name].flatMap { $0.hasPrefix("0x") ? Int($0.dropFirst(2), radix: 16) : nil }
      }
      let words = ["vendor_id", "model name", "machine", "cpu"].compactMap { fields[$0] }
      let kind = Processors.Kind(
        implementer: number("CPU implementer"),
        part: number("CPU part"),
        words: words.joined(separator: ", ")
      )
      if let features = fields["Features"] {
        flags.formUnion(features.split(separator: " ").map(String.init))
      }
      if let place = counts.firstIndex(where: { $0.kind == kind }) {
        counts[place].count += 1
      } else {
        counts.append((kind, 1))
      }
    }
    guard !counts.isEmpty else { throw Silence(path: Self.cores, "it names no processor") }
    return Processors(kinds: counts.sorted { $0.count > $1.count }, flags: flags)
  }
}

extension Substring {
  /// The text without what it begins and ends with.
  fileprivate func trimming(while drops: (Character) -> Bool) -> Substring {
    var text = drop(while: drops)
    while let last = text.last, drops(last) { text.removeLast() }
    return text
  }
}
