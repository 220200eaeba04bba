// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// One key of a profile, described once: for files, for `--set`, for messages and for the manual.
package struct ProfileKey<Root: Sendable>: Sendable {
  /// The key, such as `tlbi.ipa_flush`.
  package let name: String
  /// What it is, in a few words.
  package let summary: String
  /// What may be written, with unit and range.
  package let legal: String
  /// Stores a text; false where the text is not legal.
  let write: @Sendable (inout Root, String) -> Bool
  /// The value as it can be read back; nil where nothing is set.
  let read: @Sendable (Root) -> String?
  /// Whether an unset value is left out of a setup's identity: true for a key that came after
  /// identities had been written, so that those still stand.
  package let isSilentUnset: Bool

  /// Creates a key from its texts and the two directions.
  init(
    _ name: String,
    _ summary: String,
    legal: String,
    isSilentUnset: Bool = false,
    write: @escaping @Sendable (inout Root, String) -> Bool,
    read: @escaping @Sendable (Root) -> String?
  ) {
    self.name = name
    self.summary = summary
    self.legal = legal
    self.write = write
    self.read = read
    self.isSilentUnset = isSilentUnset
  }

  /// Stores a text in a profile; false, and nothing changed, where the text is not legal.
  package func write(_ text: String, to root: inout Root) -> Bool { write(&root, text) }

  /// The value of the key in a profile as it can be read back; nil where nothing is set.
  package func text(in root: Root) -> String? { read(root) }
}

/// A key path into a profile that may cross threads.
typealias Field<Root, Value> = any WritableKeyPath<Root, Value> & Sendable

/// The value of a field that may be unset, while it is read or written.
struct Unset<Value: Sendable>: Sendable { var value: Value }

extension ProfileKey {
  /// A key whose value is read by `parse` and bounded by `range`.
  static func value<Value>(
    _ name: String,
    _ field: Field<Root, Value>,
    _ summary: String,
    legal: String,
    parse: @escaping @Sendable (String) -> Value?,
    print: @escaping @Sendable (Value) -> String
  ) -> Self {
    Self(
      name,
      summary,
      legal: legal,
      write: { root, text in
        guard let value = parse(text) else { return false }
        root[keyPath: field] = value
        return true
      },
      read: { print($0[keyPath: field]) }
    )
  }

  /// What one event costs: zero to 100 s.
  static func cost(_ name: String, _ field: Field<Root, UnitCost>, _ summary: String) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "\(Nanoseconds.legalText), from 0ns to 100s",
      parse: { text in
        (try? UnitCost(parsing: text)).flatMap { $0 <= .nanoseconds(1e11) ? $0 : nil }
      },
      print: { $0.written }
    )
  }

  /// A length of time: zero to a day.
  static func time(_ name: String, _ field: Field<Root, Nanoseconds>, _ summary: String) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "\(Nanoseconds.legalText), from 0ns to 86400s",
      parse: { text in
        (try? Nanoseconds(parsing: text)).flatMap { $0 <= .seconds(86_400) ? $0 : nil }
      },
      print: { $0.written }
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
      parse: { text in
        (try? ByteCount(parsing: text)).flatMap { range.contains($0) ? $0 : nil }
      },
      print: { $0.description }
    )
  }

  /// A rate: zero to 10 Tbit/s.
  static func rate(_ name: String, _ field: Field<Root, BitRate>, _ summary: String) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "\(BitRate.legalText), at most 10000Gbit/s",
      parse: { text in
        (try? BitRate(parsing: text)).flatMap { $0 <= .gigabits(10_000) ? $0 : nil }
      },
      print: { $0.written }
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
      parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } },
      print: { String($0) }
    )
  }

  /// A share from 0 to 1, also in per cent.
  static func share(_ name: String, _ field: Field<Root, Double>, _ summary: String) -> Self {
    .value(
      name,
      field,
      summary,
      legal: "a share, such as 0.25 or 25%, from 0 to 1",
      parse: { text in fraction(text).flatMap { (0...1).contains($0) ? $0 : nil } },
      print: { significant($0, digits: 15) }
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
      parse: { text in Double(text).flatMap { range.contains($0) ? $0 : nil } },
      print: { significant($0, digits: 15) }
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
      parse: { ["yes": true, "no": false][$0] },
      print: { $0 ? "yes" : "no" }
    )
  }
}
