// SPDX-License-Identifier: GPL-3.0-or-later

/// The numbers of a run that models and comparisons read: its responses, and how far they may be taken.
package struct RunNumbers: Hashable, Sendable {
  /// The run's value of each response, in the order of `Response.allCases`; nil where it has none.
  package let values: [Double?]
  /// Whether the run stopped at its limit, so that its times are lower bounds.
  package let isCensored: Bool
  /// Whether memory was unmapped under a running guest.
  package let hasGuest: Bool
  /// Connections that were tried.
  package let connects: Int

  /// The numbers of a report.
  package init(_ report: RunReport) {
    values = Response.allCases.map { report.value(of: $0) }
    isCensored = report.stop != .completed
    hasGuest = report.guest != nil
    connects = Int(report.connects?.attempted ?? 1)
  }

  /// The value of a response.
  package subscript(_ response: Response) -> Double? {
    Response.allCases.firstIndex(of: response).flatMap { values[$0] }
  }
}

extension RunNumbers {
  /// The numbers as 64-bit words, the lowest byte first: each value's bits, NaN for none, then the two flags and
  /// the connections.
  package var bytes: [UInt8] {
    let words =
      values.map { ($0 ?? .nan).bitPattern }
      + [isCensored ? 1 : 0, hasGuest ? 1 : 0, UInt64(bitPattern: Int64(connects))]
    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  /// Reads what `bytes` gives; nil where they are not as many.
  package init?(bytes: some RandomAccessCollection<UInt8>) {
    let count = Response.allCases.count
    guard bytes.count == 8 * (count + 3) else { return nil }
    var words = [UInt64](repeating: 0, count: count + 3)
    for (place, byte) in bytes.enumerated() {
      words[place / 8] |= UInt64(byte) << (8 * UInt64(place % 8))
    }
    values = words[..<count].map { word in
      let value = Double(bitPattern: word)
      return value.isNaN ? nil : value
    }
    isCensored = words[count] != 0
    hasGuest = words[count + 1] != 0
    connects = Int(Int64(bitPattern: words[count + 2]))
  }
}
