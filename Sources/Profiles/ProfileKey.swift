// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// One key of a profile, described once: for files, for `--set`, for messages and for the manual.
package struct ProfileKey<Root: Sendable>: Sendable {
  /// The key, such as `tlbi.ipa_flush`.
  package let name: String
  /// What it is, in a few words.
  package let summary: String
  /// What may be written, with unit and range.
  package let legal: String
  /// Texts at the ends of what is legal.
  package let ends: [String]
  /// Texts right beyond the ends.
  package let beyond: [String]
  /// Stores a text; false where the text is not legal.
  let write: @Sendable (inout Root, String) -> Bool
  /// The value as it can be read back; nil where nothing is set.
  let read: @Sendable (Root) -> String?
  /// Whether the value that a profile has is within the range that texts are held to.
  let isLegal: @Sendable (Root) -> Bool
  /// Whether an unset value is left out of a setup's identity: true for a key that came after
  /// identities had been written, so that those still stand.
  package let isSilentUnset: Bool
  /// The value as the cost of one event, for keys that are one.
  package private(set) var cost: Cost?

  /// A cost as it is read and stored without a text between.
  package struct Cost: Sendable {
    /// The cost in a profile; nil where nothing is set.
    package let read: @Sendable (Root) -> UnitCost?
    /// Stores a cost.
    package let write: @Sendable (inout Root, UnitCost) -> Void
  }

  /// Creates a key from its texts and the two directions.
  init(
    _ name: String,
    _ summary: String,
    legal: String,
    ends: [String] = [],
    beyond: [String] = [],
    isSilentUnset: Bool = false,
    write: @escaping @Sendable (inout Root, String) -> Bool,
    read: @escaping @Sendable (Root) -> String?,
    isLegal: @escaping @Sendable (Root) -> Bool = { _ in true }
  ) {
    self.name = name
    self.summary = summary
    self.legal = legal
    (self.ends, self.beyond) = (ends, beyond)
    self.write = write
    self.read = read
    self.isLegal = isLegal
    self.isSilentUnset = isSilentUnset
  }

  /// Stores a text in a profile; false, and nothing changed, where the text is not legal.
  package func write(_ text: String, to root: inout Root) -> Bool { write(&root, text) }

  /// Whether a profile that was not read from a text has a legal value.
  package func isLegal(in root: Root) -> Bool { isLegal(root) }

  /// The value of the key in a profile as it can be read back; nil where nothing is set.
  package func text(in root: Root) -> String? { read(root) }
}

/// A key path into a profile that may cross threads.
typealias Field<Root, Value> = any WritableKeyPath<Root, Value> & Sendable

/// The value of a field that may be unset, while it is read or written.
struct Unset<Value: Sendable>: Sendable { var value: Value }

extension ProfileKey {
  /// A key whose value is read by `parse`.
  static func value<Value>(
    _ name: String,
    _ field: Field<Root, Value>,
    _ summary: String,
    legal: String,
    ends: [String] = [],
    beyond: [String] = [],
    parse: @escaping @Sendable (String) -> Value?,
    print: @escaping @Sendable (Value) -> String,
    isLegal: @escaping @Sendable (Value) -> Bool = { _ in true }
  ) -> Self {
    Self(
      name,
      summary,
      legal: legal,
      ends: ends,
      beyond: beyond,
      write: { root, text in
        guard let value = parse(text), isLegal(value) else { return false }
        root[keyPath: field] = value
        return true
      },
      read: { print($0[keyPath: field]) },
      isLegal: { isLegal($0[keyPath: field]) }
    )
  }

  /// What one event costs: zero to 100 s.
  static func cost(_ name: String, _ field: Field<Root, UnitCost>, _ summary: String) -> Self {
    var key = Self.value(
      name,
      field,
      summary,
      legal: "\(Nanoseconds.legalText), from 0ns to 100s",
      ends: ["0ns", "0.001ns", "100s"],
      beyond: ["101s", "-1ns"],
      parse: { try? UnitCost(parsing: $0) },
      print: { $0.written },
      isLegal: { $0 <= .nanoseconds(1e11) }
    )
    key.cost = Cost(read: { $0[keyPath: field] }, write: { $0[keyPath: field] = $1 })
    return key
  }

  /// What one event costs where a host prices it apart; unset, as its summary says.
  static func optionalCost(
    _ name: String,
    _ field: Field<Root, UnitCost?>,
    _ summary: String
  ) -> Self {
    var key = Self.unset(field, .zero) { .cost(name, $0, summary) }
    key.cost = Cost(read: { $0[keyPath: field] }, write: { $0[keyPath: field] = $1 })
    return key
  }

  /// A length of time from zero on.
  static func time(
    _ name: String,
    _ field: Field<Root, Nanoseconds>,
    upTo longest: Nanoseconds,
    _ summary: String
  ) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "\(Nanoseconds.legalText), from 0ns to \(longest.written)",
      ends: ["0ns", "1ns", longest.written],
      beyond: [(longest + .nanoseconds(1)).written],
      parse: { try? Nanoseconds(parsing: $0) },
      print: { $0.written },
      isLegal: { (.zero...longest).contains($0) }
    )
  }

  /// A size within a range.
  static func size(
    _ name: String,
    _ field: Field<Root, ByteCount>,
    _ range: ClosedRange<ByteCount>,
    _ summary: String
  ) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "\(ByteCount.legalText), from \(range.lowerBound) to \(range.upperBound)",
      ends: ["\(range.lowerBound)", "\(range.upperBound)"],
      beyond: ["\(range.upperBound + .bytes(1))"],
      parse: { try? ByteCount(parsing: $0) },
      print: { $0.description },
      isLegal: { range.contains($0) }
    )
  }

  /// A rate: zero for none, or from a least one to 10 Tbit/s.
  static func rate(
    _ name: String,
    _ field: Field<Root, BitRate>,
    from least: BitRate,
    _ summary: String
  ) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "\(BitRate.legalText), 0bit/s for none or from \(least.written) to 10000Gbit/s",
      ends: ["0bit/s", least.written, "10000Gbit/s"],
      beyond: ["1bit/s", "10001Gbit/s"],
      parse: { try? BitRate(parsing: $0) },
      print: { $0.written },
      isLegal: { $0 == .zero || (least...(.gigabits(10_000))).contains($0) }
    )
  }

  /// A whole number within a range.
  static func count(
    _ name: String,
    _ field: Field<Root, Int>,
    _ range: ClosedRange<Int>,
    _ summary: String
  ) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      ends: ["\(range.lowerBound)", "\(range.upperBound)"],
      beyond: ["\(range.lowerBound - 1)", "\(range.upperBound + 1)"],
      parse: { Int($0) },
      print: { String($0) },
      isLegal: { range.contains($0) }
    )
  }

  /// A share from 0 to 1, also in per cent.
  static func share(_ name: String, _ field: Field<Root, Double>, _ summary: String) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "a share, such as 0.25 or 25%, from 0 to 1",
      ends: ["0", "0.000001", "1"],
      beyond: ["-0.1", "1.1"],
      parse: { fraction($0) },
      print: { significant($0, digits: 15) },
      isLegal: { (0...1).contains($0) }
    )
  }

  /// A key of a field that may be unset, described as a key of its value is.
  ///
  /// `blank` only stands where a value is about to be written. Unset ones stay out of identities.
  static func unset<Value: Sendable>(
    _ field: Field<Root, Value?>,
    _ blank: Value,
    _ described: (Field<Unset<Value>, Value>) -> ProfileKey<Unset<Value>>
  ) -> Self {
    let key = described(\.value)
    return Self(
      key.name,
      key.summary,
      legal: key.legal,
      ends: key.ends,
      beyond: key.beyond,
      isSilentUnset: true,
      write: { root, text in
        var unset = Unset(value: blank)
        guard key.write(text, to: &unset) else { return false }
        root[keyPath: field] = unset.value
        return true
      },
      read: { root in root[keyPath: field].flatMap { key.text(in: Unset(value: $0)) } }
    )
  }

  /// A number within a range; shares are `share`.
  static func number(
    _ name: String,
    _ field: Field<Root, Double>,
    _ range: ClosedRange<Double>,
    _ summary: String
  ) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "a number from \(significant(range.lowerBound)) to \(significant(range.upperBound))",
      parse: { Double($0) },
      print: { significant($0, digits: 15) },
      isLegal: { range.contains($0) }
    )
  }

  /// One of the names of an enumeration.
  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String,
    _ field: Field<Root, Choice>,
    _ summary: String
  ) -> Self {
    .value(
      name,
      field,
      summary,
      legal: Choice.allCases.map(\.rawValue).joined(separator: ", "),
      ends: Choice.allCases.map(\.rawValue),
      beyond: ["nonsense"],
      parse: { Choice(rawValue: $0) },
      print: { $0.rawValue }
    )
  }

  /// Yes or no.
  static func flag(_ name: String, _ field: Field<Root, Bool>, _ summary: String) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "yes or no",
      ends: ["yes", "no"],
      beyond: ["maybe"],
      parse: { ["yes": true, "no": false][$0] },
      print: { $0 ? "yes" : "no" }
    )
  }
}
