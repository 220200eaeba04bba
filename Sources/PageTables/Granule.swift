// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// The translation granule: the host's page size, which KVM always uses for stage 2 as well.
public enum Granule: String, Hashable, Sendable, CaseIterable, Codable {
  /// 4 KiB pages.
  case size4K = "4K"
  /// 16 KiB pages.
  case size16K = "16K"
  /// 64 KiB pages.
  case size64K = "64K"

  /// The base-two logarithm of the page size in bytes: 12, 14 or 16.
  public var pageShift: Int {
    switch self {
    case .size4K: 12
    case .size16K: 14
    case .size64K: 16
    }
  }

  /// Address bits that one level of table resolves: 9, 11 or 13.
  public var bitsPerLevel: Int { pageShift - 3 }

  /// Entries of one table: 512, 2048 or 8192.
  public var entriesPerTable: Int { 1 << bitsPerLevel }

  /// The page size.
  public var page: ByteCount { ByteCount(rawValue: 1 << pageShift) }

  /// The base-two logarithm of the bytes that one entry at `level` (-1 to 3) maps.
  public func shift(level: Int) -> Int { bitsPerLevel * (4 - level) + 3 }

  /// The bytes that one entry at `level` (-1 to 3) maps.
  public func entrySize(level: Int) -> ByteCount { ByteCount(rawValue: 1 << shift(level: level)) }

  /// The lowest level at which KVM installs blocks (`KVM_PGTABLE_MIN_BLOCK_LEVEL`): 1, or 2 for
  /// 16K and 64K.
  public var minimumBlockLevel: Int { self == .size4K ? 1 : 2 }

  /// The largest block KVM installs, which is the chunk from 6.1 on: 1 GiB, 32 MiB or 512 MiB.
  public var largestBlock: ByteCount { entrySize(level: minimumBlockLevel) }

  /// The smallest block, the chunk of the 2024 proposal: 2 MiB, 32 MiB or 512 MiB.
  public var smallestBlock: ByteCount { entrySize(level: 2) }
}
