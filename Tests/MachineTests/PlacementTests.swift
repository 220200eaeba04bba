// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import Observations
import Profiles
import Quantities
import Testing

/// Tasks that wait for the walker's CPU, for another one, or for whichever is idle.
@Suite struct PlacementTests {
  static func run(
    _ place: TaskPlacement,
    chunk: Nanoseconds = .milliseconds(300),
    direction: FlowDirection = .receive,
    storage: Bool = false
  ) throws -> MachineOutcome {
    var load = Fixture.bulk(reader: place)
    load.direction = direction
    if storage { load.offered = .zero }
    let plan = Fixture.plan(chunk: chunk, total: .milliseconds(600))
    var input = try Fixture.input(Fixture.kernel(6, 12), plan, network: load)
    if storage {
      input.storage.queueDepth = 8
      input.storage.task = place
    }
    return input.run()
  }

  static func share(_ outcome: MachineOutcome) -> Double {
    let during = Double(outcome.stageTwoBytes) / outcome.stageTwo.inSeconds
    return during / (Double(outcome.baselineBytes) / outcome.baseline.inSeconds)
  }

  @Test(arguments: FlowDirection.allCases) func aFreeReaderDoesNotWaitForTheChunk(
    _ direction: FlowDirection
  ) throws {
    let same = Self.share(try Self.run(.sameCPU, direction: direction))
    let free = Self.share(try Self.run(.unpinned, direction: direction))
    let elsewhere = Self.share(try Self.run(.elsewhere, direction: direction))
    #expect(same < 0.1)
    #expect(free > 0.9)
    #expect(abs(free - elsewhere) < 0.05)
  }

  /// Until the walker comes, a free reader stays where its packets are.
  @Test func aFreeReaderRunsHereWhileTheCPUIsIdle() throws {
    let free = try Self.run(.unpinned)
    let elsewhere = try Self.run(.elsewhere)
    #expect(free.cpu.reader > .milliseconds(5))
    #expect(elsewhere.cpu.reader == .zero)
    let rate = Double(free.baselineBytes) * 8 / free.baseline.inSeconds
    #expect(abs(rate / 9.43e9 - 1) < 0.02)
  }

  @Test func aFreeStorageTaskDoesNotWaitEither() throws {
    func done(_ place: TaskPlacement) throws -> Double {
      let outcome = try Self.run(place, storage: true)
      let before = Double(outcome.baselineRequests) / outcome.baseline.inSeconds
      return Double(outcome.stageTwoRequests) / outcome.stageTwo.inSeconds / before
    }
    #expect(try done(.sameCPU) < 0.1)
    #expect(try done(.unpinned) > 0.9)
  }
}
