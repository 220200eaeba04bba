// SPDX-License-Identifier: GPL-3.0-or-later

/// How a release cuts a range flush into TLBI instructions.
///
/// One range instruction covers `(num + 1) << (5 * scale + 1)` pages with `num` 0 to 31 and
/// `scale` 0 to 3. Source: the kernel's range-flush loop, by release; Arm ARM, TLBI RIPAS2E1IS.
public enum RangeEncoding: Hashable, Sendable {
  /// Scales upwards, an odd first page alone, `num` at most 30: as released in 6.6 and 6.7.
  case ascending
  /// Scales downwards, but `num` still masked to five bits: 6.8 up to 6.9-rc3.
  case descendingMasked
  /// Scales downwards with the full `num`: 6.9 and its backports.
  case descending

  /// The most pages of one hypervisor call: 2^21.
  public static let pageLimit: Int64 = 32 << 16

  /// The TLBI instructions of one flush.
  public struct Operations: Hashable, Sendable {
    /// Range instructions (RIPAS2E1IS).
    public var ranges: Int64 = 0
    /// Instructions for one page (IPAS2E1IS).
    public var singles: Int64 = 0
    /// Pages at the end that no instruction covers, because the operand does not fit.
    public var uncovered: Int64 = 0

    /// Scales that were passed without an instruction before the last one.
    public var skipped: Int64 = 0

    /// All instructions.
    public var count: Int64 { ranges + singles }
  }

  /// The instructions for `pages` pages from page `base` on, at most 2^21 of them; with
  /// `alignment` above one (LPA2 in use), pages before the first aligned one go one by one.
  public func operations(pages: Int64, base: Int64 = 0, alignment: Int64 = 1) -> Operations {
    var operations = Operations()
    for piece in pieces(pages: pages, base: base, alignment: alignment) {
      if piece.isRange { operations.ranges += 1 } else { operations.singles += 1 }
      operations.uncovered -= piece.pages
    }
    operations.uncovered += pages
    let leading = min(pages, (alignment - base % alignment) % alignment)
    operations.skipped = skippedScales(pages - leading)
    return operations
  }

  /// Scales at which the loop finds no digit, in its order, until nothing is left to it.
  private func skippedScales(_ pages: Int64) -> Int64 {
    var left = self == .ascending ? pages & ~1 : pages
    var skipped: Int64 = 0
    let scales = self == .ascending ? [0, 1, 2, 3] : [3, 2, 1, 0]
    for scale in scales {
      guard left > (self == .ascending ? 0 : 1) else { break }
      let shift = Int64(5 * scale + 1)
      let digit = self == .descending ? left >> shift : (left >> shift) & 31
      if digit == 0 { skipped += 1 }
      left -= digit << shift
    }
    return skipped
  }

  /// One instruction: where it starts and how many pages it covers.
  public struct Piece: Hashable, Sendable {
    /// The first page.
    public let start: Int64
    /// The number of pages.
    public let pages: Int64
    /// Whether it is a range instruction.
    public let isRange: Bool
  }

  /// The instructions one by one, in order.
  public func pieces(pages: Int64, base: Int64 = 0, alignment: Int64 = 1) -> [Piece] {
    var pieces: [Piece] = []
    var start = base
    var left = pages
    func single() {
      pieces.append(Piece(start: start, pages: 1, isRange: false))
      start += 1
      left -= 1
    }
    func range(_ digit: Int64, _ scale: Int64) {
      let covered = digit << (5 * scale + 1)
      pieces.append(Piece(start: start, pages: covered, isRange: true))
      start += covered
      left -= covered
    }
    while left > 0, start % alignment != 0 { single() }
    switch self {
    case .ascending:
      if left % 2 == 1 { single() }
      for scale in Int64(0)...3 {
        let digit = (left >> (5 * scale + 1)) & 31
        if digit > 0 { range(digit, scale) }
      }
    case .descending, .descendingMasked:
      for scale in (Int64(0)...3).reversed() where left > 1 {
        let digit = left >> (5 * scale + 1)
        let encoded = self == .descending ? digit : digit & 31
        if encoded > 0 { range(encoded, scale) }
      }
      if left == 1 { single() }
    }
    return pieces
  }
}
