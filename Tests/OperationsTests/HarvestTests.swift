// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
@testable import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@Suite struct HarvestTests {
  private static func loaded(
    _ changes: [LoadedSetup.Change] = [],
    kernel: String = "6.12"
  ) throws -> LoadedSetup {
    try LoadedSetup(
      workload: "live-migration",
      host: "graviton4",
      kernel: kernel,
      from: ProfileStore(directories: [packageRoot.appending(path: "models")]),
      setting: [
        ("net.flows", "0"), ("net.offered", "0bit/s"), ("vm.memory", "2GiB"),
        ("migration.working_set", "256MiB"), ("migration.downtime_limit", "1ms"),
        ("migration.maximum_rounds", "6"),
      ] + changes
    )
  }

  private static func operation(
    _ policy: String,
    _ changes: [LoadedSetup.Change] = [],
    kernel: String = "6.12"
  ) throws -> BatchedOperation {
    let loaded = try loaded(changes, kernel: kernel)
    let canonical = try loaded.policy(policy).canonical(in: loaded.setup.setting)
    return BatchedOperation(loaded.setup, canonical)
  }

  // MARK: - GET

  @Test("GET protects what CLEARs of the slot do, under one hold, and nothing in the first round")
  func plainGet() throws {
    var get = try Self.operation("harvest=get").preCopy()
    var clear = try Self.operation("log=protect").preCopy()
    let enabled = try Self.operation("log=protect").logEnablePlan().counts
    for rounds in [get, clear] {
      var first = rounds
      _ = first.first()
      #expect(first.counts.leavesProtected >= enabled.leavesProtected)
    }
    _ = get.first()
    #expect(get.counts == enabled, "no bit is set when the first round begins")
    _ = clear.first()
    let before = (get: get.counts, clear: clear.counts)
    let measured = MeasuredWork(wall: .milliseconds(400))
    _ = get.next(after: measured)
    _ = clear.next(after: measured)
    #expect(get.faults == clear.faults && get.faults > 0)
    #expect(get.counts + before.get * -1 == clear.counts + before.clear * -1)
    #expect(get.calls == 1)
  }

  @Test("the downtime of GET has its protection in it, that of CLEAR has not")
  func stopRound() throws {
    for (policy, protects) in [("harvest=get", true), ("harvest=ring:4096", true), ("", false)] {
      var rounds = try Self.operation(policy).preCopy()
      var last: [WorkGroup] = []
      var measured = MeasuredWork()
      while let groups = rounds.next(after: measured) {
        last = groups
        measured = MeasuredWork(wall: .milliseconds(100))
      }
      let isProtected = last.flatMap(\.steps).contains { $0.kind == .stageTwo && $0.holdsLock }
      #expect(isProtected == protects, "\(policy)")
    }
  }

  // MARK: - The dirty ring

  /// The naive twin: writes at random, one by one, by random vCPUs.
  private static func naive(
    entries: Int,
    vcpus: Int,
    rate: Double,
    set: Int,
    seconds: Double
  ) -> (resets: Int64, all: Int64, left: Int64) {
    var chance = Seed(5).stream("ring")
    var rings = [Int](repeating: 0, count: vcpus)
    var protected = [Bool](repeating: true, count: set)
    var entered: [Int] = []
    var (resets, all, reaped) = (Int64(0), Int64(0), 0.0)
    func reset() {
      for page in entered { protected[page] = true }
      entered = []
      rings = [Int](repeating: 0, count: vcpus)
      resets += 1
    }
    for write in 0..<Int(rate * seconds) {
      let now = Double(write) / rate
      if now - reaped >= DirtyRing.reaping {
        reset()
        reaped = now
      }
      let page = Int(chance.uniform(below: UInt64(set)))
      guard protected[page] else { continue }
      protected[page] = false
      entered.append(page)
      all += 1
      let vcpu = Int(chance.uniform(below: UInt64(vcpus)))
      rings[vcpu] += 1
      if rings[vcpu] >= entries - DirtyRing.reserved {
        reset()
        reaped = now
      }
    }
    return (resets, all, Int64(entered.count))
  }

  @Test(
    "a ring fills as random writes fill it",
    arguments: [
      (4_096, 40_000.0, 65_536, 3.3), (1_024, 60_000.0, 65_536, 2.2),
      (65_536, 30_000.0, 16_384, 4.5),
      (16_384, 150_000.0, 262_144, 2.7),
    ]
  )
  func filling(_ entries: Int, _ rate: Double, _ set: Int, _ seconds: Double) throws {
    let vcpus = 4
    let operation = try Self.operation("harvest=get", [("vm.vcpus", "\(vcpus)")])
    let tables = try operation.layOut()
    let ring = try DirtyRing(
      operation,
      try ClearPlan(operation, tables, isProtected: true),
      entries: entries,
      writes: RandomWrites(rate: rate, set: Double(set))
    )
    let twin = Self.naive(entries: entries, vcpus: vcpus, rate: rate, set: set, seconds: seconds)
    let found = ring.filling(in: seconds)
    // The first of four rings is full a little before all are.
    #expect(abs(found.resets - twin.resets) <= max(1, twin.resets / 8))
    let all = Double(found.each * found.resets + found.left)
    #expect((all / Double(twin.all) - 1).magnitude < 0.04)
    #expect(ring.overflows == (twin.resets > Int64(seconds)))
  }

  @Test("a reset holds the lock page by page and flushes the VMID once, on every release")
  func reset() throws {
    for (kernel, keeps) in [("6.6", true), ("6.12", true), ("6.19", false)] {
      let operation = try Self.operation("harvest=ring:4096", kernel: kernel)
      let rounds = try operation.preCopy()
      let ring = try #require(rounds.ring)
      let reset = ring.reset(1_000)
      let step = try #require(reset.groups[0].steps.first { $0.holdsLock })
      #expect(step.units == 1_000 && step.dropsBetween && step.unit == reset.hold)
      #expect(step.keepsCPU == (keeps && operation.kernel.preemption == .voluntary), "\(kernel)")
      #expect(reset.counts.leavesProtected == 1_000 && reset.counts.vmidFlushes == 1)
      #expect(reset.counts.wrprotectCalls == 1_000)
      let none = ring.reset(0)
      #expect(none.counts == .zero)
      // A call that begins ends, or the next one's time would begin with it.
      for round in [reset, none] {
        let steps = round.groups.flatMap(\.steps)
        #expect(steps.count { $0.beginsCall } == 1 && steps.count { $0.endsCall } == 1)
      }
    }
  }

  @Test("a small ring stops vCPUs for a reset, a large one does not")
  func ringWait() throws {
    let changes: [LoadedSetup.Change] = [
      ("migration.dirty_pages_per_second", "200000"), ("migration.working_set", "1GiB"),
      ("vm.vcpus", "4"), ("migration.link", "1Gbit/s"),
    ]
    var small = try Self.operation("harvest=ring:1024", changes).preCopy()
    var large = try Self.operation("harvest=ring:65536", changes).preCopy()
    small.run()
    large.run()
    #expect(small.ringWait > .zero && large.ringWait == .zero)
    #expect(small.calls > large.calls && small.faults > large.faults)
    #expect(small.guestSpeed < large.guestSpeed)
    #expect(small.elsewhere > .zero && small.elsewhere < small.protecting)
  }

  // MARK: - Logging since the guest's start

  @Test("logging since the start has a mapping for every page, and nothing left to do")
  func boot() throws {
    let changes: [LoadedSetup.Change] = [("vm.block_share", "1")]
    var boot = try Self.operation("log=boot,clear=1GiB", changes).preCopy()
    var late = try Self.operation("log=all-set,clear=1GiB", changes).preCopy()
    let groups = boot.first()
    _ = late.first()
    #expect(boot.counts.leavesProtected == 524_288)
    #expect(late.counts.leavesProtected == 1_024)
    #expect(boot.firstFaults == 1 && late.firstFaults == 2)
    #expect(groups.flatMap(\.steps).contains { $0.holdsLock })
    // A plain GET finds every bit set.
    var get = try Self.operation("log=boot,harvest=get", changes).preCopy()
    _ = get.first()
    #expect(get.counts.leavesProtected == 524_288 && get.calls == 1)
  }

  // MARK: - All of them

  @Test("every harvest beside every number of dirty pages comes to an end")
  func everyHarvest() throws {
    for policy in ["harvest=get", "harvest=ring:256", "harvest=ring:65536", "log=boot,harvest=get"]
    {
      for rate in [0, 1, 150, 90_000, 4_000_000] {
        for set in ["0B", "256KiB", "64MiB"] {
          var rounds = try Self.operation(
            policy,
            [
              ("vm.memory", "128MiB"), ("migration.dirty_pages_per_second", "\(rate)"),
              ("migration.working_set", set),
            ]
          ).preCopy()
          rounds.run()
          let name = "\(policy), \(rate) pages/s in \(set)"
          #expect((2...7).contains(rounds.rounds.count), "\(name)")
          #expect(rounds.guestSpeed > 0 && rounds.guestSpeed <= 1, "\(name)")
        }
      }
    }
  }

  @Test(
    "what cannot be is refused with what is legal",
    arguments: [
      ("harvest=ring:4096", "6.1", "6.2 and later"),
      ("harvest=get,clear=1GiB", "6.12", "makes no KVM_CLEAR_DIRTY_LOG"),
      ("harvest=ring:128", "6.12", "ring:256"),
    ]
  )
  func refused(_ text: String, _ kernel: String, _ reason: String) throws {
    let loaded = try Self.loaded(kernel: kernel)
    let policy = try Policy(parsing: text, over: loaded.setup.setting.baseline)
    do {
      try policy.validate(in: loaded.setup.setting)
      Issue.record("accepted \(text)")
    } catch {
      #expect(error.description.contains(reason), "\(error.description)")
    }
  }

  @Test(arguments: ["ring", "ring:", "ring:100", "ring:64", "ring:131072", "ring:-1", "gets", ""])
  func nonsense(_ value: String) {
    #expect(throws: PolicyError.self) { try Policy(parsing: "harvest=\(value)") }
  }

  @Test("without CLEAR logging cannot start with all bits set")
  func canonical() throws {
    let setting = try Self.loaded().setup.setting
    for harvest in ["get", "ring:4096"] {
      var policy = try Policy(parsing: "log=all-set,clear=1GiB", over: setting.baseline)
      try policy.set(.harvest, to: harvest)
      let found = policy.canonical(in: setting)
      #expect(found.logStart == .protect && found.clearRange == nil)
      #expect(try Policy(parsing: found.description) == found)
    }
    #expect(try Self.operation("harvest=get").logStart == .protect)
  }
}
