// SPDX-License-Identifier: GPL-3.0-or-later

/// Which pages of a memory slot are dirty: disjoint stretches in ascending order.
///
/// Page numbers count from the slot's start, as bits of the dirty bitmap do.
public struct DirtyPages: Hashable, Sendable {
  /// Pages that one word of the bitmap holds.
  public static let wordPages: Int64 = 64

  /// The stretches, neither touching nor overlapping.
  public private(set) var stretches: [Range<Int64>] = []

  /// No page.
  public init() {}

  /// All pages of a stretch.
  public init(_ pages: Range<Int64>) { insert(pages) }

  /// Adds a stretch of pages, joining what it meets.
  public mutating func insert(_ pages: Range<Int64>) {
    guard !pages.isEmpty else { return }
    var joined = pages
    var before: [Range<Int64>] = []
    var after: [Range<Int64>] = []
    for stretch in stretches {
      if stretch.upperBound < joined.lowerBound {
        before.append(stretch)
      } else if stretch.lowerBound > joined.upperBound {
        after.append(stretch)
      } else {
        joined =
          min(joined.lowerBound, stretch.lowerBound)..<max(joined.upperBound, stretch.upperBound)
      }
    }
    stretches = before + [joined] + after
  }

  /// The number of dirty pages.
  public var count: Int64 { stretches.reduce(0) { $0 + Int64($1.count) } }

  /// What the kernel protects for these pages: in each word with a dirty page the span from the
  /// lowest to the highest dirty page, clean ones between included.
  public struct WordSpan: Hashable, Sendable {
    /// First page of the first word's span.
    public let start: Int64
    /// Pages of each span, at most 64.
    public let pages: Int64
    /// Number of words that look alike, 64 pages apart.
    public let words: Int64
  }

  /// The spans word by word, equal full words together.
  public var wordSpans: [WordSpan] {
    let word = Self.wordPages
    var spans: [WordSpan] = []
    var open: Range<Int64>?
    func close() {
      if let done = open {
        spans.append(WordSpan(start: done.lowerBound, pages: Int64(done.count), words: 1))
      }
      open = nil
    }
    for stretch in stretches {
      var low = stretch.lowerBound
      while low < stretch.upperBound {
        let full = low % word == 0 ? (stretch.upperBound - low) / word : 0
        if full > 0 {
          close()
          spans.append(WordSpan(start: low, pages: word, words: full))
          low += full * word
          continue
        }
        let high = min((low / word + 1) * word, stretch.upperBound)
        if let before = open, before.lowerBound / word == low / word {
          open = before.lowerBound..<high
        } else {
          close()
          open = low..<high
        }
        low = high
      }
    }
    close()
    return spans
  }
}
