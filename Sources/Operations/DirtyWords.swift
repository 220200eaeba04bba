// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import PageTables

/// Dirty pages that random writes have left in a dirty bitmap, as CLEAR sees them: words with a set
/// bit, and the pages from the lowest to the highest set bit of each.
package struct DirtyWords: Hashable, Sendable {
  /// Words with a set bit.
  package let words: Int64
  /// Pages that a CLEAR of all of them protects.
  package let spanned: Int64

  /// The words of `dirty` distinct pages, spread evenly at random over `pages` pages.
  ///
  /// Expected numbers, rounded; each bit is set by itself with the share of pages that are dirty.
  package init(dirty: Int64, among pages: Int64) {
    let size = Double(DirtyPages.wordPages)
    guard dirty > 0, pages > 0 else {
      (words, spanned) = (0, 0)
      return
    }
    let share = min(1, Double(dirty) / Double(pages))
    let all = (Double(pages) / size).rounded(.up)
    let touched = (all * (1 - pow(1 - share, size))).rounded()
    words = max(1, min(dirty, Int64(touched)))
    var span = size * share * pow(1 - share, size - 1)
    for length in 2...Int(size) {
      let ends = (size + 1 - Double(length)) * share * share
      span += Double(length) * ends * pow(1 - share, size - Double(length))
    }
    let most = min(pages, words * DirtyPages.wordPages)
    spanned = max(dirty, min(most, max(words, Int64((all * span).rounded()))))
  }
}
