// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A CLEAR range as QEMU takes it: `migration.x-clear-bitmap-shift`, the logarithm of the range in
/// QEMU's own target pages.
///
/// A target page is 4 KiB on the arm `virt` machine, whatever page the host has; QEMU's default of 18
/// is 1 GiB on every host. Source: the option's comment in QEMU's migration code (6 is 256 KiB and
/// 18 is 1 GiB "when page size is 4K").
struct QEMUClearRange: Hashable, Sendable {
  /// The page that QEMU counts in: 4 KiB.
  static let targetPage = ByteCount.kibibytes(4)
  /// The shifts that QEMU takes; others it sets to the nearer end.
  static let legal: ClosedRange<Int> = 6...31
  /// The shift that QEMU uses where nobody sets one.
  static let standard = QEMUClearRange(shift: 18)

  /// The logarithm of the range in target pages, 6 to 31.
  let shift: Int

  private init(shift: Int) { self.shift = shift }

  /// The largest range that QEMU can be told and that is no larger than `range`; its least one, of
  /// 256 KiB, where `range` is smaller.
  init(_ range: ByteCount) {
    let pages = max(1, range.divided(roundedDownBy: Self.targetPage))
    let floor = Int64.bitWidth - 1 - pages.leadingZeroBitCount
    shift = min(max(floor, Self.legal.lowerBound), Self.legal.upperBound)
  }

  /// The bytes of the range.
  var size: ByteCount { Self.targetPage * (1 << Int64(shift)) }

  /// The argument after `-global`.
  var argument: String { "migration.x-clear-bitmap-shift=\(shift)" }

  /// The range in bytes, as people read it beside the shift.
  var sizeText: String { "\(size.spaced), \(size.rawValue) bytes" }
}
