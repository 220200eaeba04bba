// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import Profiles
import Quantities
import Randomness
import Testing

/// The order the 2024 thread reports: the longer the chunk, the less of a flow is left.
@Suite struct ThreadOrderTests {
  static let small = Nanoseconds.microseconds(590)
  static let large = Nanoseconds.milliseconds(300)
  static let root = Nanoseconds.milliseconds(1_200)

  static func run(
    _ kernel: KernelProfile,
    chunk: Nanoseconds,
    reader: TaskPlacement = .sameCPU,
    change: (inout MachineInput) -> Void = { _ in }
  ) throws -> MachineOutcome {
    let plan = Fixture.plan(chunk: chunk, total: root)
    var input = try Fixture.input(kernel, plan, network: Fixture.bulk(reader: reader))
    change(&input)
    return input.run()
  }

  @Test(arguments: [Fixture.kernel(6, 1), Fixture.kernel(6, 12)])
  func readerOnTheWalkersCPU(_ kernel: KernelProfile) throws {
    let smallest = try Self.run(kernel, chunk: Self.small)
    let largest = try Self.run(kernel, chunk: Self.large)
    let whole = try Self.run(kernel, chunk: Self.root)
    #expect(smallest.retained >= 0.97)
    #expect(largest.retained <= 0.6)
    #expect(whole.retained <= 0.05)
  }

  /// Without break points a small chunk helps nobody: the order must come from them.
  @Test func withoutBreaksTheOrderIsGone() throws {
    let outcome = try Self.run(Fixture.kernel(6, 1), chunk: Self.small) {
      $0.switches.breaks = false
    }
    #expect(outcome.retained <= 0.05)
    #expect(outcome.locks.breaksTaken == 0)
  }

  /// With nobody to yield to, chunks cost nothing: the lock is never dropped.
  @Test(arguments: [Fixture.kernel(6, 1), Fixture.kernel(6, 12), Fixture.kernel(7, 0, .lazy)])
  func withoutTrafficChunksDoNotMatter(_ kernel: KernelProfile) throws {
    let times = try [Self.small, Self.large, Self.root].map { chunk in
      try Fixture.input(kernel, Fixture.plan(chunk: chunk, total: Self.root)).run().stageTwo
    }
    for time in times {
      #expect(abs(time.inSeconds / times[2].inSeconds - 1) < 0.01)
    }
  }

  /// With the reader elsewhere nothing waits for the walker except ksoftirqd, and only the rule
  /// up to 6.4 lets that matter.
  @Test func readerElsewhereShowsTheSoftirqRule() throws {
    let kernels = (old: Fixture.kernel(6, 1), new: Fixture.kernel(6, 12))
    let seeds: [UInt64] = [1, 2, 3]
    func mean(_ kernel: KernelProfile, skips: Bool? = nil) throws -> Double {
      let shares = try seeds.map { seed in
        try Self.run(kernel, chunk: Self.root, reader: .elsewhere) {
          $0.seed = Seed(seed)
          $0.switches.skipsSoftirqs = skips
          $0.host.nic.moderation = .microseconds(150)
        }.retained
      }
      return shares.reduce(0, +) / Double(seeds.count)
    }
    #expect(try mean(kernels.new) > 0.95)
    #expect(try mean(kernels.old) < 0.8)
    #expect(try mean(kernels.old, skips: false) > 0.95)
    #expect(try mean(kernels.new, skips: true) < 0.8)
  }

  @Test func oneSeedOneDigest() throws {
    let first = try Self.run(Fixture.kernel(6, 1), chunk: Self.large)
    let second = try Self.run(Fixture.kernel(6, 1), chunk: Self.large)
    let other = try Self.run(Fixture.kernel(6, 1), chunk: Self.large) { $0.seed = Seed(2) }
    #expect(first.digest == second.digest)
    #expect(first.digest != other.digest)
    // The same in debug and release; a change of the model changes it, and is to be meant.
    #expect(first.digest == 4_212_375_738_274_297_154)
  }

  /// Every nanosecond is booked once.
  @Test(arguments: [Fixture.kernel(6, 1), Fixture.kernel(6, 12), Fixture.kernel(7, 0, .full)])
  func timeIsConserved(_ kernel: KernelProfile) throws {
    let outcome = try Self.run(kernel, chunk: .milliseconds(5))
    #expect(outcome.cpu.total == outcome.stopped.sinceStart)
    let plan = Nanoseconds.milliseconds(5) * (Self.root / Nanoseconds.milliseconds(5))
    #expect(outcome.steps[0][0].work == plan)
  }
}
