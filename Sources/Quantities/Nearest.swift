// SPDX-License-Identifier: GPL-3.0-or-later

/// Up to three names, those with the fewest edits from a name first.
package func nearest(_ name: String, among names: [String]) -> [String] {
  scored(name, names).prefix(3).map(\.name)
}

/// A clause with the names that a name may have been meant to be, such as `; did you mean chunk?`.
///
/// At most three are named, and none that differs in more than a third of its letters unless the name
/// is its beginning; the clause is empty where there are none.
package func didYouMean(_ name: String, among names: [String]) -> String {
  let limit = name.utf8.count < 4 ? 1 : max(2, name.utf8.count / 3)
  let near = scored(name, names).filter { candidate in
    candidate.edits <= limit || (name.utf8.count > 2 && candidate.name.hasPrefix(name))
  }
  return near.isEmpty
    ? "" : "; did you mean \(near.prefix(3).map(\.name).joined(separator: " or "))?"
}

private func scored(_ name: String, _ names: [String]) -> [(name: String, edits: Int)] {
  let scored = names.enumerated().map { index, candidate in
    (candidate, distance(Array(name.utf8), Array(candidate.utf8)), index)
  }
  return scored.sorted { ($0.1, $0.2) < ($1.1, $1.2) }.map { ($0.0, $0.1) }
}

/// The edit distance of two short texts (Levenshtein).
private func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  let left = left.prefix(64)
  var row = Array(0...right.count)
  for (index, letter) in left.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in right.indices {
      let cost = min(row[column], row[column + 1]) + 1
      (diagonal, row[column + 1]) = (
        row[column + 1], min(cost, diagonal + (letter == right[column] ? 0 : 1))
      )
    }
  }
  return row[right.count]
}
