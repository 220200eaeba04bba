// SPDX-License-Identifier: GPL-3.0-or-later

extension EventCounts {
  /// A named field.
  public struct Column: Sendable {
    /// The name in the captures and in JSON.
    public let name: String
    /// The field.
    public let field: any WritableKeyPath<EventCounts, Int64> & Sendable

    init(_ name: String, _ field: any WritableKeyPath<EventCounts, Int64> & Sendable) {
      self.name = name
      self.field = field
    }
  }

  /// The fields that `kernel-counts.csv` also counts, in its order and under its names.
  public static let capturedColumns: [Column] = [
    Column("walk_calls", \.walkCalls),
    Column("table_loops", \.tableLoops),
    Column("unmap_calls", \.unmapCalls),
    Column("wrprotect_calls", \.wrprotectCalls),
    Column("split_calls", \.splitCalls),
    Column("destroy_calls", \.destroyCalls),
    Column("destroy_range_calls", \.destroyRangeCalls),
    Column("map_calls", \.mapCalls),
    Column("relax_calls", \.relaxCalls),
    Column("unmap_visits", \.unmapVisits),
    Column("attr_visits", \.attrVisits),
    Column("free_visits", \.freeVisits),
    Column("map_visits", \.mapVisits),
    Column("put_page", \.putPage),
    Column("ipa_flushes", \.ipaFlushes),
    Column("ipa_flushes_local", \.ipaFlushesLocal),
    Column("range_flush_requests", \.rangeFlushRequests),
    Column("range_flushes", \.rangeFlushes),
    Column("vmid_flushes", \.vmidFlushes),
    Column("break_points", \.breakPoints),
    Column("guest_aborts", \.guestAborts),
    Column("tlbi_ipas2e1is", \.tlbiIPAS2E1IS),
    Column("tlbi_ripas2e1is", \.tlbiRIPAS2E1IS),
    Column("tlbi_ipas2e1", \.tlbiIPAS2E1),
    Column("tlbi_vmalle1is", \.tlbiVMALLE1IS),
    Column("tlbi_vmalle1", \.tlbiVMALLE1),
    Column("tlbi_vmalls12e1is", \.tlbiVMALLS12E1IS),
    Column("stage2_dsb_ish", \.dsbISH),
    Column("stage2_dsb_ishst", \.dsbISHST),
    Column("stage2_isb", \.isb),
    Column("dc_civac", \.dcCIVAC),
  ]

  /// The fields that only this model counts.
  public static let modelColumns: [Column] = [
    Column("leaves_cleared", \.leavesCleared),
    Column("leaves_destroyed", \.leavesDestroyed),
    Column("leaves_protected", \.leavesProtected),
    Column("invalid_visits", \.invalidVisits),
    Column("table_visits", \.tableVisits),
    Column("tables_freed", \.tablesFreed),
    Column("tables_allocated", \.tablesAllocated),
    Column("entries_built", \.entriesBuilt),
    Column("blocks_cleared", \.blocksCleared),
    Column("blocks_protected", \.blocksProtected),
    Column("block_visits", \.blockVisits),
    Column("scales_skipped", \.scalesSkipped),
    Column("split_visits", \.splitVisits),
    Column("lock_drops", \.lockDrops),
    Column("dsb_nsh", \.dsbNSH),
    Column("dsb_nshst", \.dsbNSHST),
    Column("tlbi_repeated", \.tlbiRepeated),
    Column("repeated_syncs", \.repeatedSyncs),
    Column("hypercalls", \.hypercalls),
  ]

  /// Parts of other columns by operation, which only prices need; no file holds them.
  package static let partColumns: [Column] = [
    Column("blocks_destroyed", \.blocksDestroyed),
    Column("leaves_revisited", \.leavesRevisited),
    Column("invalid_protected", \.invalidProtected),
    Column("invalid_destroyed", \.invalidDestroyed),
    Column("tables_protected", \.tablesProtected),
    Column("tables_destroyed", \.tablesDestroyed),
  ]

  /// Every field that files hold, in a fixed order: the captures' columns first.
  public static let columns = capturedColumns + modelColumns

  /// Every field's name and value in the order of `columns`.
  public var namedValues: [(name: String, value: Int64)] {
    Self.columns.map { ($0.name, self[keyPath: $0.field]) }
  }
}

extension EventCounts: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads counts from an object with a key for every column.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: Key.self)
    for column in Self.columns {
      self[keyPath: column.field] = try container.decode(
        Int64.self,
        forKey: Key(stringValue: column.name)
      )
    }
  }

  /// Writes an object with a key for every column.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for column in Self.columns {
      try container.encode(self[keyPath: column.field], forKey: Key(stringValue: column.name))
    }
  }
}
