// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
package import Observations
package import Profiles
package import Quantities

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// A pre-copy live migration: rounds over a link against a guest that goes on writing.
///
/// The guest dirties its working set like random writes: of W pages, W (1 - exp(-r t / W)) are
/// distinct after t at rate r. Every first write to a protected page is a fault, which slows the
/// guest down; so do the holds of mmu_lock in which pages are protected again. Before each piece
/// of memory is sent its dirty bits are cleared (and its pages protected) by one ioctl.
package struct Migration: Sendable {
  /// The load: link, dirtying, limits.
  package var load: MigrationLoad
  /// Pages of the guest that were ever touched, and so are sent.
  package var pages: Int64
  /// The page size.
  package var page: ByteCount
  /// vCPUs, at least one.
  package var vcpus: Int
  /// What protecting costs when logging is switched on; zero with all bits set initially.
  package var start = ClearCost(hold: .zero, whole: .zero, pages: 0)
  /// What one CLEAR costs.
  package var clear: ClearCost
  /// What one write fault on a protected page costs the vCPU.
  package var fault: Nanoseconds
  /// The part of a fault that only one vCPU can do at a time; zero where faults share the lock.
  package var exclusive = Nanoseconds.zero
  /// Faults that one page costs in its first round: 1, or more where a block is broken on fault.
  package var firstFaults = 1.0
  /// What each vCPU pays in refilled TLB entries for one flush of the whole VMID.
  package var refill = Nanoseconds.zero

  /// Creates a migration from its load, its guest and the cost of one CLEAR and one fault.
  package init(
    load: MigrationLoad,
    pages: Int64,
    page: ByteCount,
    vcpus: Int,
    clear: ClearCost,
    fault: Nanoseconds
  ) {
    precondition(vcpus > 0 && clear.pages > 0, "a guest has vCPUs, and a CLEAR covers pages")
    self.load = load
    self.pages = pages
    self.page = page
    self.vcpus = vcpus
    self.clear = clear
    self.fault = fault
  }

  /// What a migration came to.
  package struct Outcome: Sendable {
    /// Rounds, time, downtime.
    package var migration = MigrationOutcome()
    /// What protecting cost.
    package var writeProtect = WriteProtectTimes()
    /// Holds of mmu_lock for write.
    package var locks = LockHolds()
    /// Faults that dirtying cost.
    package var faults = FaultOutcome()
  }

  /// The guest's speed and the distinct pages it dirties while a round lasts.
  private struct Round {
    var time: Nanoseconds
    var speed: Double
    var dirtied: Int64
  }

  /// Runs the rounds.
  package func run() -> Outcome {
    var outcome = Outcome()
    var holds = Latencies()
    var elapsed = start.whole
    if start.hold > .zero { holds.record(start.hold) }
    var toSend = pages
    var speeds = 0.0
    var calls = Int64(start.hold > .zero ? 1 : 0)
    var protecting = start.whole
    var weighted = 0.0
    for number in 1...max(1, load.maximumRounds) {
      let clears = ioctls(for: toSend)
      holds.record(clear.hold, count: clears)
      calls += clears
      protecting += clear.whole * clears
      let round = round(sending: toSend, clears: clears, isFirst: number == 1)
      outcome.migration.rounds.append(MigrationRound(pages: toSend, time: round.time))
      elapsed += round.time
      speeds += round.speed * round.time.inSeconds
      weighted += round.time.inSeconds
      outcome.faults.faults += round.dirtied
      toSend = round.dirtied
      if stopTime(toSend) <= load.downtimeLimit {
        outcome.migration.converged = true
        break
      }
    }
    finish(&outcome, toSend: toSend, elapsed: elapsed)
    outcome.migration.guestSpeed = weighted > 0 ? speeds / weighted : 1
    outcome.locks.holds = holds.summary
    outcome.locks.histogram = holds.histogramBars
    outcome.locks.longestChunk = max(start.hold, clear.hold)
    outcome.writeProtect.total = protecting
    outcome.writeProtect.calls = calls
    outcome.writeProtect.callP99 = calls > 1 ? max(clear.whole, .zero) : start.whole
    outcome.writeProtect.worstStall = max(start.hold, clear.hold)
    return outcome
  }

  /// CLEAR ioctls that a round needs: one for every piece that holds dirty pages.
  private func ioctls(for dirty: Int64) -> Int64 {
    let pieces = (pages + clear.pages - 1) / clear.pages
    guard dirty < pages else { return pieces }
    let inWorkingSet = max(1, min(pieces, (workingPages + clear.pages - 1) / clear.pages))
    return min(inWorkingSet, dirty)
  }

  private var workingPages: Int64 {
    let set = load.workingSet.divided(roundedUpBy: page)
    return min(pages, set > 0 ? set : pages)
  }

  /// One round: how long it takes and what the guest dirties meanwhile.
  private func round(sending count: Int64, clears: Int64, isFirst: Bool) -> Round {
    let time = max(sendTime(count), clear.whole * clears)
    let stall = clear.hold * clears
    let blocked = min(0.9, stall.inSeconds / max(1e-9, time.inSeconds))
    let speed = guestSpeed(blocked: blocked, isFirst: isFirst, refills: clears, over: time)
    let writes = Double(load.dirtyPagesPerSecond) * speed * time.inSeconds
    let set = Double(workingPages)
    let distinct = set > 0 ? set * (1 - exp(-writes / set)) : 0
    return Round(time: time, speed: speed, dirtied: Int64(distinct.rounded()))
  }

  private func sendTime(_ count: Int64) -> Nanoseconds { load.link.time(for: page * count) }

  /// How long the guest stands still if it is stopped now: the rest, and one last CLEAR of it.
  private func stopTime(_ count: Int64) -> Nanoseconds { sendTime(count) + clear.whole }

  /// The guest's speed as a share: faults, waits for the lock, refilled TLBs.
  ///
  /// Each vCPU writes its share of the dirtied pages; a fault stops it for the fault's time plus
  /// the wait for the part that one vCPU does at a time (M/D/1). The speed is the fixed point of
  /// "faults follow the speed".
  private func guestSpeed(
    blocked: Double,
    isFirst: Bool,
    refills: Int64,
    over time: Nanoseconds
  ) -> Double {
    let perFault = fault.inSeconds * (isFirst ? firstFaults : 1)
    let rate = Double(load.dirtyPagesPerSecond)
    var speed = 1.0
    for _ in 0..<30 {
      let load = min(0.95, rate * speed * exclusive.inSeconds)
      let wait = load / (2 * (1 - load)) * exclusive.inSeconds
      let lost = rate / Double(vcpus) * (perFault + wait)
      speed = 0.5 * (speed + 1 / (1 + lost))
    }
    let refilling = refill.inSeconds * Double(refills) / max(1e-9, time.inSeconds)
    return max(0.01, speed * (1 - blocked) * (1 - min(0.9, refilling)))
  }

  private func finish(_ outcome: inout Outcome, toSend: Int64, elapsed: Nanoseconds) {
    let downtime = stopTime(toSend)
    outcome.migration.rounds.append(MigrationRound(pages: toSend, time: downtime))
    outcome.migration.downtime = downtime
    outcome.migration.time = elapsed + downtime
  }
}
