// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

/// Whatever interrupts whatever: every nanosecond is booked once and every piece of work is done.
@Suite struct PreemptionTests {
  static let kernels = [
    Fixture.kernel(5, 10), Fixture.kernel(6, 1), Fixture.kernel(6, 6, .none),
    Fixture.kernel(6, 12, .full, hz: 1_000), Fixture.kernel(7, 0, .lazy, hz: 100),
    Fixture.kernel(7, 3, .full),
  ]

  /// A machine drawn at random: kernel, loads, readers, competitors, moderation, plan.
  static func input(_ seed: UInt64) throws -> MachineInput {
    var draw = Seed(seed).stream("preemption")
    func pick(_ count: Int64) -> Int64 {
      draw.uniform(below: .nanoseconds(count)).rawValue
    }
    let kernel = kernels[Int(pick(Int64(kernels.count)))]
    var input = try Fixture.input(kernel, plan(pick), seed: seed)
    input.network = Fixture.bulk(reader: pick(2) == 0 ? .sameCPU : .elsewhere)
    if pick(3) == 0 { input.network.flows = 0 }
    input.network.datagrams = [0, 2_000, 20_000][Int(pick(3))]
    input.network.requests = [0, 500][Int(pick(2))]
    input.network.connects = [0, 50][Int(pick(2))]
    input.storage.queueDepth = [0, 8][Int(pick(2))]
    input.storage.task = pick(2) == 0 ? .sameCPU : .elsewhere
    input.competitors = Int(pick(3))
    input.threadedNAPI = pick(4) == 0
    input.host.nic.moderation = .microseconds([10, 50, 400][Int(pick(3))])
    input.host.nic.packet = .nanoseconds(Double(200 + pick(1_200)))
    input.limits.simulated = .seconds(5)
    return input
  }

  static func plan(_ pick: (Int64) -> Int64) -> WorkPlan {
    let chunk = Nanoseconds.microseconds([50, 700, 4_000][Int(pick(3))])
    var step = WorkStep(.stageTwo, unit: chunk, units: 1 + pick(12), holdsLock: true)
    if pick(4) == 0 { step.controller = UnitController(longest: 8, patience: 2) }
    let free = WorkStep(.hostSide, unit: .microseconds(90), units: 1 + pick(50))
    let rest =
      pick(2) == 0 ? WorkStep(.yield, unit: .zero) : WorkStep(.sleep, unit: .microseconds(300))
    return WorkPlan([WorkGroup([step, free, rest], repeats: 1 + pick(3)), WorkGroup([step])])
  }

  @Test(arguments: Property.seeds(30)) func workIsConserved(_ seed: UInt64) throws {
    let input = try Self.input(seed)
    let outcome = input.run()
    #expect(outcome.stop == .completed, "seed \(seed)")
    #expect(outcome.cpu.total == outcome.stopped.sinceStart, "seed \(seed): every moment once")
    #expect(outcome.cpu.stageTwo == input.plan.work(.stageTwo), "seed \(seed)")
    #expect(outcome.cpu.hostSide == input.plan.work(.hostSide), "seed \(seed)")
    var wall = Nanoseconds.zero
    for (group, steps) in zip(input.plan.groups, outcome.steps) {
      for (step, measured) in zip(group.steps, steps) {
        let isWork = step.kind == .stageTwo || step.kind == .hostSide
        #expect(measured.rounds == group.repeats, "seed \(seed)")
        #expect(!isWork || measured.work == step.work * group.repeats, "seed \(seed)")
        #expect(measured.wall >= measured.work, "seed \(seed): nothing ends before its work")
        wall += measured.wall
      }
    }
    // What preempted the steps is in their wall time, and nothing is counted twice.
    #expect(wall == outcome.ended - outcome.began, "seed \(seed)")
    #expect(try #require(outcome.locks.holds.max) <= outcome.ended - outcome.began)
    #expect(input.run().digest == outcome.digest, "seed \(seed)")
  }
}
