// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Foundation
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Synchronization
import TestSupport
import Testing

/// The places of runs that were made, from any thread.
final class MadeRuns: Sendable {
  private let places = Mutex<[Int]>([])

  func add(_ place: Int) { places.withLock { $0.append(place) } }

  var sorted: [Int] { places.withLock { $0.sorted() } }
}

/// A store, a design in it, and runs that cost nothing.
struct ToyCampaign: Sendable {
  let store: RunDatabase
  let design: StoredDesign
  let points: [DesignPoint]

  init(_ path: String, name: String = "toy", count: Int = 37) throws {
    store = try RunDatabase(path)
    points = try Toy.space.points(count, seed: Seed(5))
    design = try store.enter(points, named: name, seed: 5, extent: .window)
  }

  /// Makes what is left; `run` says what comes of a point.
  func make(workers: Int = 2, _ run: @escaping LocalExecutor.Run = Self.done) throws {
    try store.run(
      design,
      points: points,
      extent: .window,
      by: LocalExecutor(workers: workers, run: run)
    )
  }

  static let done: LocalExecutor.Run = { .done(Toy.record($0), seconds: 0.001) }

  /// What an export of all runs is.
  var lines: [String] {
    get throws {
      var lines: [String] = []
      try store.forEachLine(of: design) { lines.append($0) }
      return lines
    }
  }

  /// The lines of the runs at some places, from the records themselves.
  func expected(_ places: some Sequence<Int>) throws -> [String] {
    try places.map { try JSON.text(Toy.record(points[$0]), isPretty: false) }
  }
}

@Suite("Stores of runs")
struct StoreTests {
  @Test("Any number of workers leaves the same bytes and the same digest", arguments: [1, 2, 7])
  func workers(count: Int) async throws {
    try await Toy.withFile { file in
      let campaign = try ToyCampaign(file.path)
      // Later points end first.
      try campaign.make(workers: count) { point in
        Thread.sleep(forTimeInterval: Double((37 - point.index) % 5) / 2000)
        return ToyCampaign.done(point)
      }
      let expected = try campaign.expected(0..<37)
      #expect(try campaign.lines == expected)
      let naive = Digest.of(expected.map { "\(Digest.of($0).hexadecimal) \($0)\n" }.joined())
      #expect(try campaign.store.digest(of: campaign.design) == naive.hexadecimal)
      let tally = try campaign.store.tally(of: campaign.design)
      #expect(tally[.done] == 37 && tally.total == 37)
      #expect(try campaign.store.status().workers.isEmpty)
    }
  }

  @Test("A run that any design has is not made again, and its numbers come back as they were")
  func shared() async throws {
    try await Toy.withFile { file in
      try ToyCampaign(file.path, count: 30).make()
      let longer = try ToyCampaign(file.path, name: "longer", count: 40)
      #expect(try longer.store.tally(of: longer.design)[.done] == 30)
      let made = MadeRuns()
      try longer.make { point in
        made.add(point.index)
        return ToyCampaign.done(point)
      }
      #expect(made.sorted == Array(30..<40))
      try longer.store.forEachRun(of: longer.design) { run in
        let record = Toy.record(longer.points[run.index])
        #expect(run.features == record.featureVector)
        #expect(run.numbers == RunNumbers(record.report))
        #expect(run.identity == record.report.identity)
      }
    }
  }

  @Test("Two stores of one file at the same time make every run once")
  func twoAtOnce() async throws {
    try await Toy.withFile { file in
      let both = [try ToyCampaign(file.path, count: 120), try ToyCampaign(file.path, count: 120)]
      let made = MadeRuns()
      await withTaskGroup(of: Void.self) { group in
        for campaign in both {
          group.addTask {
            try? campaign.make(workers: 2) { point in
              made.add(point.index)
              return ToyCampaign.done(point)
            }
          }
        }
      }
      #expect(made.sorted == Array(0..<120))
      #expect(try both[0].lines == both[0].expected(0..<120))
    }
  }

  @Test("A refused run is recorded with its reason, the others are made, and it can be tried again")
  func refusal() async throws {
    try await Toy.withFile { file in
      let campaign = try ToyCampaign(file.path, count: 20)
      try campaign.make { point in
        point.index == 11 ? .refused(index: 11, reason: "no such rule") : ToyCampaign.done(point)
      }
      let status = try #require(try campaign.store.status().campaigns.first)
      #expect(status.done == 19 && status.refused == 1 && status.waiting == 0)
      let failed = try campaign.store.failures(of: campaign.design)
      #expect(failed.map(\.index) == [11] && failed[0].reason == "no such rule")
      #expect(try campaign.store.retry(campaign.design) == 1)
      try campaign.make()
      #expect(try campaign.lines == campaign.expected(0..<20))
      #expect(try campaign.store.failures(of: campaign.design).isEmpty)
    }
  }

  @Test("A run that is done stays so, whatever a process that comes later says of it")
  func done() async throws {
    try await Toy.withFile { file in
      let campaign = try ToyCampaign(file.path, count: 3)
      try campaign.make()
      try campaign.store.keep([.refused(index: 1, reason: "late")], of: campaign.design)
      #expect(try campaign.lines == campaign.expected(0..<3))
      #expect(try campaign.store.failures(of: campaign.design).isEmpty)
    }
  }

  @Test(
    "Runs of a process that died come again one by one, and one that dies alone is recorded as crashed"
  )
  func blame() async throws {
    try await Toy.withFile { file in
      let campaign = try ToyCampaign(file.path, count: 6)
      let own = ProcessInfo.processInfo.processIdentifier
      let work = try CampaignWork(
        campaign.design,
        points: campaign.points,
        extent: .window,
        in: campaign.store
      )
      #expect(try work.takeSuspect() == nil)
      #expect(try work.take(3).map(\.index) == [0, 1, 2])
      #expect(try campaign.store.blame(process: own, reason: "it died") == 3)
      #expect(try campaign.store.tally(of: campaign.design)[.crashed] == 0)
      let second = try CampaignWork(
        campaign.design,
        points: campaign.points,
        extent: .window,
        in: campaign.store
      )
      #expect(try second.take(9).map(\.index) == [3, 4, 5], "suspects do not come with others")
      try second.finish()
      let third = try CampaignWork(
        campaign.design,
        points: campaign.points,
        extent: .window,
        in: campaign.store
      )
      let index = try #require(try third.takeSuspect()?.index)
      #expect(try campaign.store.blame(process: own, reason: "it died alone") == 1)
      try campaign.make()
      let failed = try campaign.store.failures(of: campaign.design)
      #expect(failed.map(\.index) == [index] && failed[0].state == "crashed")
      #expect(failed[0].reason == "it died alone")
      #expect(try campaign.lines == campaign.expected((0..<6).filter { $0 != index }))
    }
  }

  @Test("The counts that a status reads are those of the runs, after any operations")
  func counts() async throws {
    try await Toy.withFile { file in
      let first = try ToyCampaign(file.path, count: 25)
      let second = try ToyCampaign(file.path, name: "second", count: 40)
      try first.make {
        $0.index % 7 == 3 ? .refused(index: $0.index, reason: "no") : ToyCampaign.done($0)
      }
      func check(_ campaign: ToyCampaign) throws {
        let tally = try campaign.store.tally(of: campaign.design)
        #expect(try tally[.done] == campaign.lines.count)
        #expect(try tally[.refused] == campaign.store.failures(of: campaign.design).count)
        #expect(try tally[.waiting] == campaign.store.waiting(campaign.design).count)
        #expect(tally.total == campaign.points.count)
      }
      for campaign in [first, second] { try check(campaign) }
      _ = try second.store.retry(second.design)
      for campaign in [first, second] { try check(campaign) }
      try second.make()
      for campaign in [first, second] { try check(campaign) }
      _ = try second.store.clean(dropping: ["second"])
      try check(first)
      #expect(try first.store.designs().map(\.name) == ["toy"])
      #expect(try first.lines.count == 25)
    }
  }

  @Test(
    "A name of another design, of other profiles or of another plan is refused by the first quantity that differs"
  )
  func foreign() async throws {
    try await Toy.withFile { file in
      let store = try RunDatabase(file.path)
      let plan = Toy.plan("toy")
      let points = try plan.points(over: Toy.profiles)
      _ = try store.enter(plan, over: Toy.profiles, points: points)
      #expect(try store.enter(plan, over: Toy.profiles, points: points).plan == plan)
      var other = plan
      other.seed = 6
      #expect(
        throws: CampaignError.foreign(
          file: "\(file.path), toy",
          quantity: "seed",
          found: "5",
          expected: "6"
        )
      ) { try store.enter(other, over: Toy.profiles, points: points) }
      // The same host by name with one cost changed is another host.
      var hosts = Toy.space.hosts
      hosts[0].tlbi.ipaFlush = .nanoseconds(9_983)
      let dearer = PlannedProfiles(
        hosts: hosts,
        kernels: Toy.space.kernels,
        workloads: Toy.space.workloads
      )
      let failure = #expect(throws: CampaignError.self) {
        try store.enter(plan, over: dearer, points: points)
      }
      #expect(failure?.description.contains("profiles with digest") == true)
      #expect(throws: CampaignError.self) {
        try store.enter(points, named: "toy", seed: 5, extent: .window)
      }
      #expect(throws: CampaignError.unknownDesign(store: file.path, design: "tou", known: ["toy"]))
      {
        try store.design(named: "tou")
      }
    }
  }

  @Test(
    "Replicates that are added have seeds of their own; those of a grid share them over its points"
  )
  func replicates() async throws {
    try await Toy.withFile { file in
      let store = try RunDatabase(file.path)
      var plan = Toy.plan("grid", policies: ["baseline", "chunk=2MiB"])
      let before = try plan.points(over: Toy.profiles)
      // Two hosts, two kernels, one workload, two policies.
      #expect(before.count == 8 && Set(before.map(\.seed)).count == 1)
      _ = try store.enter(plan, over: Toy.profiles, points: before)
      plan.replicates = 3
      let points = try plan.points(over: Toy.profiles)
      #expect(points.prefix(8) == before[...] && points.count == 24)
      #expect(Set(points.map(\.seed)).count == 3)
      let design = try store.enter(plan, over: Toy.profiles, points: points)
      #expect(try store.tally(of: design).total == 24)
      #expect(try store.design(named: "grid").plan?.replicates == 3)
      var draw = Toy.plan("draw", replicates: 2)
      let drawn = try draw.points(over: Toy.profiles)
      #expect(drawn.count == 24 && Set(drawn.map(\.seed)).count == 24)
      draw.replicates = 1
      #expect(try draw.points(over: Toy.profiles) == Array(drawn.prefix(12)))
      let wrong = Toy.plan("wrong", policies: ["chunk=blue"])
      #expect(throws: CampaignError.self) { try wrong.points(over: Toy.profiles) }
    }
  }

  @Test("Halves of a campaign in two stores merge to the whole")
  func merge() async throws {
    try await Toy.withFile { file in
      let folder = file.deletingLastPathComponent()
      let left = try ToyCampaign(file.path)
      let right = try ToyCampaign(folder.appending(path: "right.db").path)
      let whole = try ToyCampaign(folder.appending(path: "whole.db").path)
      try left.make {
        $0.index % 2 == 0 ? ToyCampaign.done($0) : .refused(index: $0.index, reason: "odd")
      }
      try right.make {
        $0.index % 2 == 1 ? ToyCampaign.done($0) : .refused(index: $0.index, reason: "even")
      }
      try whole.make()
      #expect(try left.store.merge(RunDatabase(right.store.name, access: .read)) == 18)
      #expect(try left.lines == whole.lines)
      #expect(try left.store.tally(of: left.design)[.done] == 37)
      let other = folder.appending(path: "other.db").path
      try ToyCampaign(other, count: 5).make()
      #expect(throws: CampaignError.self) {
        try left.store.merge(RunDatabase(other, access: .read))
      }
      #expect(try left.store.merge(RunDatabase(right.store.name, access: .read)) == 0)
      // Replicates that were added to one store are in the merged design as well.
      var plan = Toy.plan("grid", policies: ["baseline"])
      _ = try left.store.enter(plan, over: Toy.profiles, points: plan.points(over: Toy.profiles))
      plan.replicates = 3
      _ = try right.store.enter(plan, over: Toy.profiles, points: plan.points(over: Toy.profiles))
      _ = try left.store.merge(RunDatabase(right.store.name, access: .read))
      let grid = try left.store.design(named: "grid")
      #expect(try grid.plan == plan && left.store.tally(of: grid).total == 12)
    }
  }

  @Test("A key changes with every part of what determines a run")
  func keys() throws {
    let point = try Toy.space.points(1, seed: Seed(5))[0]
    func key(_ point: DesignPoint, _ manner: String = "m", _ simulator: String = "1") -> RunKey {
      RunKey(
        point.setup,
        policy: point.policy,
        seed: Seed(point.seed),
        manner: manner,
        simulator: simulator
      )
    }
    var setup = point.setup
    setup.workload.network.offered = .gigabits(6)
    var policy = point.policy
    policy.pause += .nanoseconds(1)
    let others = [
      DesignPoint(index: 0, setup: setup, policy: point.policy, seed: point.seed),
      DesignPoint(index: 0, setup: point.setup, policy: policy, seed: point.seed),
      DesignPoint(index: 0, setup: point.setup, policy: point.policy, seed: point.seed + 1),
    ]
    let keys = others.map { key($0) } + [key(point, "n"), key(point, "m", "2"), key(point)]
    #expect(Set(keys).count == 6)
    #expect(key(point.copy(index: 7, seed: point.seed)) == key(point), "the place is no part of it")
    #expect(RunKey(of: point, extent: .window) != RunKey(of: point, extent: .whole))
  }

  @Test("A report that belongs to no design is found by its key alone")
  func reports() async throws {
    try await Toy.withFile { file in
      let store = try RunDatabase(file.path)
      let point = try Toy.space.points(1, seed: Seed(5))[0]
      let key = RunKey(point.setup, policy: point.policy, seed: Seed(1), manner: "test")
      #expect(try store.report(of: key) == nil)
      let report = Toy.record(point).report
      try store.keep(report, of: key, manner: "test", seconds: 1)
      try store.keep(report, of: key, manner: "test", seconds: 2)
      #expect(try RunDatabase(file.path, access: .read).report(of: key) == report)
    }
  }

  @Test("The numbers of a run come back from their bytes, and from no other number of bytes")
  func numbers() throws {
    var report = Toy.record(try Toy.space.points(1, seed: Seed(5))[0]).report
    report.operation.whole = .milliseconds(17)
    report.stop = .timeLimit
    let numbers = RunNumbers(report)
    #expect(numbers.isCensored && numbers[.teardownTime] == 17e6 && numbers[.requestP99] == nil)
    #expect(RunNumbers(bytes: numbers.bytes) == numbers)
    #expect(RunNumbers(bytes: numbers.bytes.dropLast()) == nil)
    #expect(RunNumbers(bytes: numbers.bytes + [0]) == nil)
  }
}
