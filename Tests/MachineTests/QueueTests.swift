// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Testing

/// The machine as a queue whose mean waiting time is known.
///
/// Requests come at random (Poisson), the CPU has nothing else to do, and every cost but one is
/// zero. All packets of a busy period go up the stack at its end, so a request waits until the CPU
/// is empty again: (W + D) / (1 - load), W being its wait in the first-come queue. Bands are 99.9 %
/// intervals of the mean over twelve seeds.
@Suite struct QueueTests {
  static let rate = 4_000.0
  static let seeds: [UInt64] = Array(1...12)

  /// Means in seconds, one a seed.
  static func latencies(
    _ plan: WorkPlan,
    rate: Int,
    change: (inout MachineInput) -> Void
  ) throws -> [Double] {
    try seeds.map { seed in
      var input = try Fixture.input(Fixture.kernel(6, 1), plan, seed: seed)
      input.host = HostProfile(blank: "queue")
      input.host.nic.ring = 65_536
      input.network = NetworkLoad()
      input.network.flows = 0
      input.network.requests = rate
      input.network.roundTrip = .zero
      input.switches = MachineSwitches(without: [.timers])
      input.coolDown = .milliseconds(100)
      change(&input)
      let mean = try #require(input.run().requests.mean)
      return Double(mean.rawValue) / 1e9
    }
  }

  static func idle(_ seconds: Int64) -> WorkPlan {
    WorkPlan([WorkGroup([WorkStep(.sleep, unit: .seconds(seconds))])])
  }

  /// The mean over seeds and the half-width of its 99.9 % interval (Student, 11 degrees: 4.437).
  static func band(_ values: [Double]) -> (mean: Double, half: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, 4.437 * (squares / (count - 1) / count).squareRoot())
  }

  static func contains(_ values: [Double], _ formula: Double) -> Bool {
    let band = band(values)
    return abs(band.mean - formula) <= band.half
  }

  /// Pollaczek and Khinchine: the mean wait before a service of mean D and second moment D2.
  static func wait(load: Double, mean: Double, secondMoment: Double) -> Double {
    load / mean * secondMoment / (2 * (1 - load))
  }

  @Test func deterministicServiceIsMD1() throws {
    let service = 100e-6
    let load = Self.rate * service
    let seen = try Self.latencies(Self.idle(5), rate: 4_000) {
      $0.host.nic.packet = .nanoseconds(100_000)
    }
    let wait = Self.wait(load: load, mean: service, secondMoment: service * service)
    #expect(Self.contains(seen, (wait + service) / (1 - load)), "\(Self.band(seen))")
    // A wrong model: exponential service has twice the second moment.
    let wrong = Self.wait(load: load, mean: service, secondMoment: 2 * service * service)
    #expect(!Self.contains(seen, (wrong + service) / (1 - load)))
  }

  /// Interrupt, softirq entry and poll come once a busy period: M/G/1 with a setup time.
  @Test func interruptsAreSetupTimes() throws {
    let (service, setup) = (80e-6, 60e-6)
    let load = Self.rate * service
    let seen = try Self.latencies(Self.idle(5), rate: 4_000) {
      $0.host.nic.packet = .nanoseconds(80_000)
      $0.host.cpu.hardInterrupt = .nanoseconds(40_000)
      $0.host.nic.poll = .nanoseconds(20_000)
    }
    let queue = Self.wait(load: load, mean: service, secondMoment: service * service)
    let extra = (2 * setup + Self.rate * setup * setup) / (2 * (1 + Self.rate * setup))
    #expect(Self.contains(seen, (queue + extra + service) / (1 - load)), "\(Self.band(seen))")
    #expect(!Self.contains(seen, (queue + setup + service) / (1 - load)))
  }

  /// The reader waits for chunks: vacations of length V delay it by V^2 / 2V on average.
  @Test(arguments: [Fixture.kernel(6, 1), Fixture.kernel(6, 12)])
  func chunksAreVacationsOfTheReader(_ kernel: KernelProfile) throws {
    let vacation = Nanoseconds.milliseconds(2)
    let plan = Fixture.plan(chunk: vacation, total: .seconds(6))
    let seen = try Self.latencies(plan, rate: 100) {
      $0.host.nic.readerCall = .nanoseconds(1_000)
      $0.coolDown = .zero
    }
    // Two requests in one vacation are read together; that adds its share of a read.
    let reads = 1e-6 * (1 + 100 * vacation.inSeconds / 2)
    #expect(Self.contains(seen, vacation.inSeconds / 2 + reads), "\(Self.band(seen))")
    #expect(!Self.contains(seen, vacation.inSeconds + reads))
    #expect(!Self.contains(seen, vacation.inSeconds / 3 + reads))
  }
}
