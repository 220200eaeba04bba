// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import Observations
package import PageTables
package import Policies
package import Profiles
package import Quantities

/// A pre-copy live migration as the VMM's migration thread makes it: rounds over a link against a
/// guest that goes on writing.
///
/// A round fetches the dirty bitmap and then takes the memory piece by piece: one CLEAR ioctl
/// protects the dirty pages of the piece again, then they are sent. The guest dirties its working set
/// like random writes: of W pages, W (1 - exp(-r t / W)) are distinct after t at rate r; r falls by
/// what faults and holds of mmu_lock take from the vCPUs. The machine executes the groups and says
/// how long they took; the estimate takes what they take alone.
package struct PreCopy: WorkSource {
  /// What is dirtied, over which link, and when the VMM stops.
  let load: MigrationLoad
  /// Pages of the guest that were ever touched.
  let pages: Int64
  let page: ByteCount
  let vcpus: Double
  /// The CLEAR ioctls over a guest whose bits are all set, and over single words.
  let clears: ClearPlan
  /// What switching logging on does before the first round.
  let start: [WorkGroup]
  /// What a fault costs a vCPU, and the part that only one vCPU can do at a time, in nanoseconds.
  let fault: (whole: Double, exclusive: Double)
  /// Faults that one page costs in the first round: more than one where a block is broken on fault.
  let firstFaults: Double
  /// What each vCPU pays in refilled TLB entries for one CLEAR, in nanoseconds.
  let refill: Double

  /// The rounds so far, the stop round last.
  package private(set) var rounds: [MigrationRound] = []
  /// Whether the downtime limit was met before the rounds ran out.
  package private(set) var converged = false
  /// The time from log start on, as far as it is known.
  package private(set) var time = Nanoseconds.zero
  /// Faults that dirtying has cost.
  package private(set) var faults: Int64 = 0
  /// The stage-2 events so far.
  package private(set) var counts: EventCounts
  /// CLEAR ioctls so far, and what they take alone.
  package private(set) var calls: Int64 = 0
  package private(set) var protecting = Nanoseconds.zero
  private var speeds = 0.0
  private var toSend: Int64
  private var clearsInRound: Int64 = 0
  private var phase = Phase.start

  private enum Phase { case start, first, round, stop, ended }

  /// The guest's speed during the rounds, as a share of its speed without a migration.
  package var guestSpeed: Double {
    let length = rounds.dropLast(phase == .ended ? 1 : 0).reduce(0.0) { $0 + $1.time.inSeconds }
    return length > 0 ? speeds / length : 1
  }

  /// What the first CLEAR takes alone, from its entry to the end of its flush.
  package var firstCall: Nanoseconds { clears.fullCall }

  /// How long the guest stood still at the end.
  package var downtime: Nanoseconds { phase == .ended ? rounds.last?.time ?? .zero : .zero }

  package mutating func next(after measured: MeasuredWork) -> [WorkGroup]? {
    time += measured.wall
    switch phase {
    case .start:
      phase = .first
      if !start.isEmpty { return start }
      return next(after: MeasuredWork())
    case .first:
      phase = .round
      return round(clears.whole(pages, load.link, page))
    case .round:
      finish(measured)
      if stopTime(toSend) <= load.downtimeLimit {
        converged = true
        return stop()
      }
      guard rounds.count < max(1, load.maximumRounds) else { return stop() }
      return round(clears.sparse(toSend, in: workingPages, load.link, page))
    case .stop:
      rounds.append(MigrationRound(pages: toSend, time: measured.wall))
      phase = .ended
      return nil
    case .ended: return nil
    }
  }

  /// Log start and the first round, which follow from nothing measured.
  package mutating func first() -> [WorkGroup] {
    var groups = next(after: MeasuredWork()) ?? []
    if phase == .first { groups += next(after: MeasuredWork()) ?? [] }
    return groups
  }

  /// The whole migration where nothing disturbs it: each stretch of work takes `stretch` times what
  /// it takes alone, and what it does not need of the link's time is waited for.
  package mutating func run(stretch: Double = 1) {
    var measured = MeasuredWork()
    while let groups = next(after: measured) {
      measured = MeasuredWork()
      for group in groups {
        var (wall, held) = (0.0, 0.0)
        for step in group.steps {
          let work = Double(step.work.rawValue)
          wall += step.kind == .sleep ? work : stretch * work
          if step.holdsLock { held += stretch * work }
        }
        measured.wall += .seconds(rounding: wall * Double(group.repeats) / 1e9)
        measured.held += .seconds(rounding: held * Double(group.repeats) / 1e9)
      }
    }
  }

  private mutating func round(_ cleared: ClearPlan.Round) -> [WorkGroup] {
    counts += cleared.counts
    calls += cleared.calls
    clearsInRound = cleared.calls
    protecting += cleared.protecting
    return cleared.groups
  }

  /// The guest stands still: what is left is fetched and sent, nothing is protected any more.
  private mutating func stop() -> [WorkGroup] {
    phase = .stop
    return [WorkGroup(clears.fetch + [WorkStep(.sleep, unit: load.link.time(for: page * toSend))])]
  }

  private func stopTime(_ count: Int64) -> Nanoseconds {
    clears.fetch.reduce(load.link.time(for: page * count)) { $0 + $1.work }
  }

  private var workingPages: Int64 {
    let set = load.workingSet.divided(roundedUpBy: page)
    return min(pages, set > 0 ? set : pages)
  }

  /// A round has come to its end: what the guest has dirtied meanwhile is sent next.
  private mutating func finish(_ measured: MeasuredWork) {
    let speed = guestSpeed(measured)
    let seconds = measured.wall.inSeconds
    let writes = Double(load.dirtyPagesPerSecond) * speed * seconds
    let set = Double(workingPages)
    let distinct = set > 0 ? Int64(saturating: set * (1 - exp(-writes / set))) : 0
    rounds.append(MigrationRound(pages: toSend, time: measured.wall))
    speeds += speed * seconds
    faults += distinct
    toSend = distinct
  }

  /// The guest's speed as a share: faults, waits for the lock, refilled TLBs.
  ///
  /// Each vCPU writes its share of the dirtied pages; a fault stops it for the fault's time plus
  /// the wait for the part that one vCPU does at a time (M/D/1). The speed is the fixed point of
  /// "faults follow the speed".
  private func guestSpeed(_ measured: MeasuredWork) -> Double {
    let own = fault.whole * (rounds.isEmpty ? firstFaults : 1)
    let rate = Double(load.dirtyPagesPerSecond) / 1e9
    var speed = 1.0
    for _ in 0..<30 {
      let busy = min(0.95, rate * speed * fault.exclusive)
      let wait = busy / (2 * (1 - busy)) * fault.exclusive
      speed = 0.5 * (speed + 1 / (1 + rate / vcpus * (own + wait)))
    }
    let length = max(1, Double(measured.wall.rawValue))
    let blocked = min(0.9, Double(measured.held.rawValue) / length)
    let refilling = min(0.9, refill * Double(clearsInRound) / length)
    return max(0.01, speed * (1 - blocked) * (1 - refilling))
  }
}

extension PreCopy {
  /// The migration of an operation.
  init(_ operation: BatchedOperation) throws(OperationError) {
    let (host, workload) = (operation.host, operation.workload)
    load = workload.migration
    guard load.link > .zero else {
      throw .value(name: "migration.link", given: "\(load.link)", legal: "more than 0 bit/s")
    }
    guard load.maximumRounds > 0 else {
      throw .value(
        name: "migration.maximum_rounds",
        given: "\(load.maximumRounds)",
        legal: "at least 1"
      )
    }
    let tables = try operation.layOut()
    page = host.granule.page
    pages = max(1, tables.mappedBytes.divided(roundedUpBy: page))
    toSend = pages
    vcpus = Double(max(1, workload.memory.vcpus))
    let relax = try operation.relaxation(
      invalidators: max(1, workload.memory.vcpus),
      gap: operation.dirtyGap
    )
    fault = (relax.whole, relax.isShared ? 0 : relax.inside + relax.flush)
    firstFaults = operation.policy.eagerSplit == .zero ? 1 + operation.blockShare(tables) : 1
    if operation.logStart == .allSet {
      start = []
      counts = .zero
      clears = try ClearPlan(operation, tables, isProtected: false)
    } else {
      let enable = try operation.logEnablePlan()
      start = enable.plan.groups
      counts = enable.counts
      clears = try ClearPlan(operation, tables, isProtected: true)
    }
    let refills = clears.flushesVMID && operation.switches.has(.refill)
    refill = refills ? host.tlbi.vmidRefill.inNanoseconds : 0
  }
}

extension Policy {
  /// How dirty logging begins: as the policy says, or else as the workload does.
  package func logStart(over load: MigrationLoad) -> LogStart {
    logStart ?? (load.initiallyAllSet ? .allSet : .protect)
  }
}

extension BatchedOperation {
  /// How dirty logging begins.
  var logStart: LogStart { policy.logStart(over: setup.workload.migration) }

  /// The rounds of a migration.
  package func preCopy() throws(OperationError) -> PreCopy { try PreCopy(self) }

  /// The share of the mapped bytes that blocks map.
  func blockShare(_ tables: StageTwo) -> Double {
    let leaves = tables.leafCounts
    let sizes = (0...3).map {
      Double(leaves[$0]) * Double(setup.host.granule.entrySize(level: $0).rawValue)
    }
    let blocks = sizes[1] + sizes[2]
    return blocks > 0 ? blocks / (blocks + sizes[3]) : 0
  }
}
