// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import TestSupport
import Testing

/// Every stage-2 event has exactly one price, or is free for a reason.
@Suite struct PriceTests {
  /// Columns whose event costs something: the host key that prices it.
  private static let priced: [String: String] = [
    "unmap_calls": "stage2.walker_call", "wrprotect_calls": "stage2.walker_call",
    "split_calls": "stage2.walker_call", "destroy_calls": "stage2.walker_call",
    "destroy_range_calls": "stage2.walker_call", "leaves_cleared": "stage2.leaf_cleared",
    "leaves_protected": "stage2.leaf_protected", "leaves_destroyed": "stage2.leaf_destroyed",
    "invalid_visits": "stage2.invalid_visit", "table_visits": "stage2.table_visit",
    "tables_freed": "stage2.table_freed", "tables_allocated": "stage2.table_allocated",
    "entries_built": "stage2.entry_built", "dc_civac": "stage2.cache_line_cleaned",
    "ipa_flushes": "tlbi.ipa_flush", "ipa_flushes_local": "tlbi.ipa_flush_local",
    "range_flushes": "tlbi.range_flush", "tlbi_ripas2e1is": "tlbi.range_operation",
    "vmid_flushes": "tlbi.vmid_flush", "repeated_syncs": "tlbi.repeated_sync",
  ]

  /// Prices by operation that a host may have: the column that each counts, and the key whose price
  /// stands where it is unset.
  private static let apart: [(key: String, columns: [String], instead: String?)] = [
    ("stage2.block_cleared", ["blocks_cleared"], "stage2.leaf_cleared"),
    ("stage2.block_protected", ["blocks_protected"], "stage2.leaf_protected"),
    ("stage2.block_destroyed", ["blocks_destroyed"], "stage2.leaf_destroyed"),
    ("stage2.leaf_revisited", ["leaves_revisited"], nil),
    ("stage2.invalid_protected", ["invalid_protected"], "stage2.invalid_visit"),
    ("stage2.invalid_destroyed", ["invalid_destroyed"], "stage2.invalid_visit"),
    ("stage2.table_protected", ["tables_protected"], nil),
    ("stage2.table_destroyed", ["tables_destroyed"], "stage2.table_freed"),
    ("stage2.protect_call", ["wrprotect_calls"], "stage2.walker_call"),
    ("stage2.destroy_call", ["destroy_calls", "destroy_range_calls"], "stage2.walker_call"),
    ("stage2.split_visit", ["split_visits"], nil),
    ("stage2.split_call", ["split_calls"], "stage2.walker_call"),
    ("tlbi.range_scale", ["scales_skipped"], nil),
  ]

  /// Columns that cost nothing of their own, and why.
  private static let free: [String: String] = [
    "walk_calls": "each is a call of an entry that is priced, or part of a fault",
    "table_loops": "each is a table visit or the root of a call",
    "map_calls": "part of fault.inside_lock", "relax_calls": "part of fault.inside_lock",
    "map_visits": "part of fault.inside_lock", "guest_aborts": "part of fault.outside_lock",
    "unmap_visits": "its leaves, tables and invalid entries are priced",
    "attr_visits": "its leaves and invalid entries are priced",
    "free_visits": "its leaves, tables and invalid entries are priced",
    "split_visits": "the entries that it builds are priced",
    "put_page": "part of the leaf, or of the table freed",
    "range_flush_requests": "becomes a range or a VMID flush",
    "break_points": "a test of two flags",
    "lock_drops": "what others then do is simulated",
    "blocks_cleared": "counted among the leaves", "blocks_protected": "counted among the leaves",
    "block_visits": "counted among the leaves", "scales_skipped": "a few instructions of a flush",
    "tlbi_ipas2e1is": "part of its flush", "tlbi_ipas2e1": "part of its flush",
    "tlbi_vmalle1is": "part of its flush", "tlbi_vmalle1": "part of its flush",
    "tlbi_vmalls12e1is": "part of its flush", "dsb_ish": "part of its flush",
    "dsb_ishst": "part of its flush", "isb": "part of its flush", "dsb_nsh": "part of its flush",
    "dsb_nshst": "part of its flush", "hypercalls": "part of its flush on a host without VHE",
    "tlbi_repeated": "counted among repeated_syncs",
  ]

  /// A column's name without the captures' prefix.
  private static func plain(_ column: String) -> String {
    column.hasPrefix("stage2_") ? String(column.dropFirst(7)) : column
  }

  /// A host on which every stage-2 event costs nothing, but one.
  private static func host(_ key: String, _ cost: String) -> HostProfile? {
    var host = HostProfile(blank: "free")
    guard let found = HostProfile.keys.first(where: { $0.name == key }) else { return nil }
    return found.write(cost, to: &host) ? host : nil
  }

  @Test("every column is priced once or free with a reason", arguments: EventCounts.columns)
  func everyColumn(_ column: EventCounts.Column) throws {
    let name = Self.plain(column.name)
    var counts = EventCounts.zero
    counts[keyPath: column.field] = 7
    // A flush takes its barriers with it; without one there is nothing to price a barrier at.
    let paying = HostProfile.keys.filter { key in
      guard key.name.hasPrefix("stage2.") || key.name.hasPrefix("tlbi.") else { return false }
      guard let host = Self.host(key.name, "1us") else { return false }
      return host.price(counts).whole > .zero
    }.map(\.name).filter { name in !Self.apart.contains { $0.key == name } }
    if let key = Self.priced[name] {
      #expect(paying == [key], "\(name)")
      #expect(Self.free[name] == nil)
      #expect(try #require(Self.host(key, "1us")).price(counts).whole == .microseconds(7))
    } else {
      #expect(Self.free[name] != nil, "\(name) is new: price it, or say why it is free")
      #expect(paying.isEmpty, "\(name) is free, and \(paying) pay for it")
    }
  }

  @Test("a price by operation takes the place of the shared one, event for event")
  func pricesApart() throws {
    let keys = HostProfile.keys.filter(\.isSilentUnset).map(\.name)
    #expect(keys == Self.apart.map(\.key), "a host key that may be unset has no test here")
    let counts = (EventCounts.columns + EventCounts.partColumns).enumerated().reduce(
      into: EventCounts.zero
    ) { $0[keyPath: $1.element.field] = Int64(100 + 7 * $1.offset) }
    let values = Dictionary(
      uniqueKeysWithValues: (EventCounts.columns + EventCounts.partColumns).map {
        (Self.plain($0.name), counts[keyPath: $0.field])
      }
    )
    for (key, columns, instead) in Self.apart {
      var events = columns.reduce(0) { $0 + (values[$1] ?? 0) }
      // Cleared blocks hold those that destroy dropped.
      if key == "stage2.block_cleared" { events -= counts.blocksDestroyed }
      let apart = try #require(Self.host(key, "1us")).price(counts).whole
      #expect(apart == .microseconds(1) * events, "\(key)")
      guard let instead else { continue }
      // As dear as the shared price it changes nothing; free, it takes its events out.
      var host = try #require(Self.host(instead, "1us"))
      let shared = host.price(counts).walk
      let found = try #require(HostProfile.keys.first { $0.name == key })
      #expect(found.write("1us", to: &host) && host.price(counts).walk == shared, "\(key)")
      #expect(found.write("0ns", to: &host))
      #expect(shared - host.price(counts).walk == .microseconds(1) * events, "\(key)")
    }
  }

  /// A cost of 10 us more for each event of its own in whole operations, counted by the plan.
  @Test("operations count the events that a host may price apart")
  func wholeOperationsApart() throws {
    var seen: Set<String> = []
    for (name, operation) in try Self.operations() {
      let base = try operation.exactPlan()
      for (key, columns, instead) in Self.apart {
        var raised = operation
        let found = try #require(HostProfile.keys.first { $0.name == key })
        let was = try instead.map { shared in
          let cost = HostProfile.keys.first { $0.name == shared }?.cost
          return try #require(cost?.read(operation.host))
        }
        try #require(found.cost).write(&raised.setup.host, (was ?? .zero) + .nanoseconds(10_000))
        let more = try raised.exactPlan().plan.work(.stageTwo) - base.plan.work(.stageTwo)
        var events = (EventCounts.columns + EventCounts.partColumns).filter {
          columns.contains(Self.plain($0.name))
        }.reduce(Int64(0)) { $0 + base.counts[keyPath: $1.field] }
        if key == "stage2.block_cleared" { events -= base.counts.blocksDestroyed }
        let expected = (UnitCost.nanoseconds(10_000) * events).inSeconds
        let slack =
          1e-9 * Double(base.plan.groups.reduce(0) { $0 + $1.repeats * 200 }) + 0.001 * expected
        #expect((more.inSeconds - expected).magnitude <= slack, "\(key) in \(name)")
        if events > 0 { seen.insert(key) }
      }
    }
    // Blocks that process exit drops, and holes that are protected, are in no operation of the list.
    let never = Set(Self.apart.map(\.key)).subtracting(seen)
    #expect(never == ["stage2.block_destroyed", "stage2.invalid_protected"], "\(never)")
  }

  @Test("both readers of the list agree to half a nanosecond an event kind")
  func readers() throws {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    for seed in Property.seeds(40) {
      var counts = EventCounts.zero
      for (index, column) in EventCounts.columns.enumerated() {
        counts[keyPath: column.field] = Int64((seed &* 2_654_435_761 &+ UInt64(index) * 97) % 900)
      }
      for name in store.names(of: .host) {
        let host = try store.load(HostProfile.self, named: name).profile
        for share in [FabricShare(), FabricShare(invalidators: 5, cpus: 3)] {
          let whole = Double(host.price(counts, share).whole.rawValue)
          let parts = WorkBreakdown(counts, on: host, share).total
          #expect((whole - parts).magnitude <= 16, "\(name), seed \(seed)")
        }
      }
    }
  }

  // MARK: - Whole operations

  private static func operations() throws -> [(name: String, operation: BatchedOperation)] {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    var found: [(String, BatchedOperation)] = []
    for (workload, text) in [
      ("container-churn", ""), ("container-churn", "path=process-exit"),
      ("container-churn", "path=memslot-delete,tlbi=vmid:16,chunk=2MiB"),
      ("mixed-thp", "path=madvise-slices,slice=4MiB"), ("live-migration-thp", "clear=64MiB"),
      ("live-migration-thp", "clear=64MiB,split=2MiB"), ("memory-reclaim", ""),
    ] {
      for host in ["graviton4", "ampere-altra"] {
        var loaded = try LoadedSetup(workload: workload, host: host, kernel: "6.12", from: store)
        try loaded.set([("vm.memory", "512MiB"), ("tlbi.occupancy", "0")])
        if host == "ampere-altra" { try loaded.set([("host.features", "vhe,repeat-tlbi-sync")]) }
        let operation = BatchedOperation(loaded.setup, try loaded.policy(text))
        found.append(("\(workload) \(text) on \(host)", operation))
        if workload.hasPrefix("live-migration") {
          try loaded.set([("operation", "log-enable")])
          found.append(
            ("log-enable \(text) on \(host)", BatchedOperation(loaded.setup, operation.policy))
          )
        }
      }
    }
    return found
  }

  /// A cost of 10 us a event more, and what the operation then takes longer, in every operation.
  @Test("raising a cost by d raises the stage-2 work by d for each of its events")
  func everyCost() throws {
    let cost = UnitCost.nanoseconds(10_000)
    var seen: Set<String> = []
    for (name, operation) in try Self.operations() {
      let base = try operation.exactPlan()
      let counts = Dictionary(
        uniqueKeysWithValues: base.counts.namedValues.map { (Self.plain($0.name), $0.value) }
      )
      for key in Set(Self.priced.values) {
        var raised = operation
        let found = try #require(HostProfile.keys.first { $0.name == key })
        let was = try UnitCost(parsing: try #require(found.text(in: operation.host)))
        #expect(found.write("\((was + cost).inNanoseconds)ns", to: &raised.setup.host))
        let more = try raised.exactPlan().plan.work(.stageTwo) - base.plan.work(.stageTwo)
        let events = Self.priced.filter { $0.value == key }.reduce(Int64(0)) {
          $0 + (counts[$1.key] ?? 0)
        }
        let expected = (cost * events).inSeconds
        let slack =
          1e-9 * Double(base.plan.groups.reduce(0) { $0 + $1.repeats * 200 }) + 0.001 * expected
        #expect((more.inSeconds - expected).magnitude <= slack, "\(key) in \(name)")
        if events > 0 { seen.insert(key) }
      }
    }
    let never = Set(Self.priced.values).subtracting(seen)
    #expect(never.subtracting(["tlbi.ipa_flush_local"]).isEmpty, "no operation has \(never)")
  }

  // MARK: - Cases from public reports

  private static func stageTwo(
    _ workload: String,
    _ host: String,
    _ kernel: String,
    _ changes: [LoadedSetup.Change],
    _ policy: String = ""
  ) throws -> Nanoseconds {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    let loaded = try LoadedSetup(
      workload: workload,
      host: host,
      kernel: kernel,
      from: store,
      setting: changes
    )
    let operation = BatchedOperation(loaded.setup, try loaded.policy(policy))
    return try operation.exactPlan().plan.work(.stageTwo)
  }

  @Test("a destroyed leaf is paid once: process exit is cheaper than munmap")
  func destroyedLeaf() throws {
    let changes: [LoadedSetup.Change] = [("vm.memory", "8GiB")]
    func time(_ path: String, _ more: [LoadedSetup.Change] = []) throws -> Double {
      try Self.stageTwo("container-churn", "generic-armv8.4", "6.16", changes + more, path)
        .inSeconds
    }
    let exit = try time("path=process-exit")
    #expect((exit - 0.295).magnitude < 0.003)
    #expect(try exit < time("path=munmap"))
    #expect(try time("path=process-exit", [("stage2.leaf_cleared", "0ns")]) == exit)
    #expect(try time("path=process-exit", [("stage2.leaf_destroyed", "0ns")]) < 0.01)
  }

  @Test("a repeated TLBI has a price: a feature that changes counts changes the time")
  func repeatedSync() throws {
    func time(_ features: String, _ policy: String = "") throws -> Double {
      try Self.stageTwo(
        "kvm-page-table-test",
        "graviton3",
        "6.6",
        [("vm.memory", "1GiB"), ("host.features", features)],
        policy
      ).inSeconds
    }
    let more = try time("fwb,vhe,ttl,repeat-tlbi-sync") - time("fwb,vhe,ttl")
    // One pair for each of 262,144 leaves and 513 tables, 491 ns each.
    #expect((more - 262_657 * 491e-9).magnitude < 1e-4)
    let coarse = "tlbi=vmid:16"
    let less =
      try time("fwb,vhe,ttl,repeat-tlbi-sync", coarse) - time("fwb,vhe,ttl", coarse)
    #expect(less < more / 100, "a policy with few flushes suffers little")
  }
}
