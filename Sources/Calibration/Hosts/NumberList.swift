// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// CPUs or interrupts as the kernel lists them: `0-3,8`.
package struct NumberList: Hashable, Sendable, CustomStringConvertible {
  /// The numbers.
  package var numbers: IndexSet

  /// The largest number that a list may hold: more than any kernel has CPUs or interrupts.
  package static let largest = 1 << 20

  /// A list of these numbers.
  package init(_ numbers: IndexSet) { self.numbers = numbers }

  /// Reads a list, of which an empty text has nothing; nil where it is none.
  package init?(parsing text: some StringProtocol) {
    numbers = IndexSet()
    guard !text.isEmpty else { return }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { end in
        end.utf8.allSatisfy { (48...57).contains($0) } ? Int(end) : nil
      }
      guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
        first <= last, last <= Self.largest
      else { return nil }
      numbers.insert(integersIn: first...last)
    }
  }

  /// The list as the kernel writes it.
  package var description: String {
    numbers.rangeView.map { range in
      range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound - 1)"
    }.joined(separator: ",")
  }
}
