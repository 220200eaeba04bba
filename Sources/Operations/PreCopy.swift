// SPDX-License-Identifier: GPL-3.0-or-later

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
  /// How dirty pages are found and protected again, and the rings where they are found in those.
  let harvest: Harvest
  let ring: DirtyRing?
  /// Whether every bit is set when the first round begins.
  let isAllDirty: Bool
  /// Pages that the guest writes again and again, and how it does.
  let workingPages: Int64
  let writes: RandomWrites
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
  /// Calls that protect so far (CLEAR, GET or a reset of rings), and what they take alone.
  package private(set) var calls: Int64 = 0
  package private(set) var protecting = Nanoseconds.zero
  /// The longest hold of mmu_lock of all calls so far, alone.
  package private(set) var longestHold = Nanoseconds.zero
  /// What was protected outside the migration thread, and how long a vCPU waited there for a full ring.
  package private(set) var elsewhere = Nanoseconds.zero
  package private(set) var ringWait = Nanoseconds.zero
  /// Entries that are in the rings.
  private var inRings: Int64 = 0
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

  /// The longest hold of the rounds so far where later rounds hold mmu_lock longer than the first, alone;
  /// nil where the first one clears everything.
  package var laterHold: Nanoseconds? { harvest == .clear ? nil : longestHold }

  /// The longest hold of the whole migration where nothing disturbs it.
  package var longestAlone: Nanoseconds {
    guard harvest != .clear else { return clears.full.hold }
    var all = self
    all.run()
    return all.longestHold
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
      return round(firstRound)
    case .round:
      finish(measured)
      if stopTime(toSend) <= load.downtimeLimit {
        converged = true
        return stop()
      }
      guard rounds.count < max(1, load.maximumRounds) else { return stop() }
      return round(nextRound)
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

  private var firstRound: ClearPlan.Round {
    switch harvest {
    case .clear: clears.whole(pages, load.link, page)
    case .get where isAllDirty: sending(clears.got(nil, in: pages))
    case .get, .ring: sending(ClearPlan.Round())
    }
  }

  private var nextRound: ClearPlan.Round {
    switch harvest {
    case .clear: clears.sparse(toSend, in: workingPages, load.link, page)
    case .get, .ring: sending(harvested)
    }
  }

  /// What finds the pages that are dirty now, where that protects them at once.
  private var harvested: ClearPlan.Round {
    ring?.reset(inRings) ?? clears.got(toSend, in: workingPages)
  }

  /// A round that sends what is dirty after it was found.
  private func sending(_ found: ClearPlan.Round) -> ClearPlan.Round {
    var round = found
    round.groups.append(WorkGroup([WorkStep(.sleep, unit: load.link.time(for: page * toSend))]))
    return round
  }

  private mutating func round(_ cleared: ClearPlan.Round) -> [WorkGroup] {
    longestHold = max(longestHold, cleared.hold)
    counts += cleared.counts
    calls += cleared.calls
    clearsInRound = cleared.calls
    protecting += cleared.protecting
    return cleared.groups
  }

  /// The guest stands still: what is left is fetched and sent.
  ///
  /// With CLEAR nothing is protected any more.
  private mutating func stop() -> [WorkGroup] {
    phase = .stop
    guard harvest == .clear else { return round(nextRound) }
    return [WorkGroup(clears.fetch + [WorkStep(.sleep, unit: load.link.time(for: page * toSend))])]
  }

  private func stopTime(_ count: Int64) -> Nanoseconds {
    guard harvest == .clear else { return harvested.protecting + load.link.time(for: page * count) }
    return clears.fetch.reduce(load.link.time(for: page * count)) { $0 + $1.work }
  }

  /// A round has come to its end: what the guest has dirtied meanwhile is sent next.
  private mutating func finish(_ measured: MeasuredWork) {
    let seconds = measured.wall.inSeconds
    let filling = ring?.filling(in: seconds)
    let speed = guestSpeed(measured, filling)
    let distinct = Int64(saturating: writes.distinct(in: seconds, speed: speed))
    rounds.append(MigrationRound(pages: toSend, time: measured.wall))
    speeds += speed * seconds
    faults += distinct
    toSend = distinct
    guard let ring, let filling else { return }
    // What a reset has protected is written again, and faults again.
    let reset = ring.reset(filling.each)
    faults += max(0, filling.each * filling.resets + filling.left - distinct)
    counts += reset.counts * filling.resets
    calls += filling.resets
    protecting += reset.protecting * filling.resets
    elsewhere += reset.protecting * filling.resets
    if filling.resets > 0 {
      longestHold = max(longestHold, reset.hold)
      if ring.overflows { ringWait = reset.protecting }
    }
    inRings = min(filling.left, distinct)
  }

  /// The guest's speed as a share: faults, waits for the lock, refilled TLBs.
  ///
  /// Each vCPU writes its share of the dirtied pages; a fault stops it for the fault's time plus
  /// the wait for the part that one vCPU does at a time (M/D/1). The speed is the fixed point of
  /// "faults follow the speed".
  private func guestSpeed(_ measured: MeasuredWork, _ filling: DirtyRing.Filling?) -> Double {
    let own = fault.whole * (rounds.isEmpty ? firstFaults : 1)
    let rate = Double(load.dirtyPagesPerSecond) / 1e9
    var speed = 1.0
    for _ in 0..<30 {
      let busy = min(0.95, rate * speed * fault.exclusive)
      let wait = busy / (2 * (1 - busy)) * fault.exclusive
      speed = 0.5 * (speed + 1 / (1 + rate / vcpus * (own + wait)))
    }
    let length = max(1, Double(measured.wall.rawValue))
    let (resets, waited) = resetting(filling)
    let blocked = min(0.9, (Double(measured.held.rawValue) + waited) / length)
    let refilling = min(0.9, refill * (Double(clearsInRound) + resets) / length)
    return max(0.01, speed * (1 - blocked) * (1 - refilling))
  }
}

extension PreCopy {
  /// Resets within a round, and the time for which they stop vCPUs: all of each where it is a full ring
  /// that asks for them, else while they hold mmu_lock.
  private func resetting(_ filling: DirtyRing.Filling?) -> (resets: Double, waited: Double) {
    guard let ring, let filling else { return (0, 0) }
    let reset = ring.reset(filling.each)
    let waited = ring.overflows ? reset.protecting : reset.hold * filling.each
    return (Double(filling.resets), Double((waited * filling.resets).rawValue))
  }

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
    let start = operation.logStart
    let tables = try (start == .boot ? operation.inPages : operation).layOut()
    harvest = operation.policy.harvest
    isAllDirty = start != .protect
    page = host.granule.page
    pages = max(1, tables.mappedBytes.divided(roundedUpBy: page))
    toSend = pages
    let set = load.workingSet.divided(roundedUpBy: page)
    workingPages = min(pages, set > 0 ? set : pages)
    writes = RandomWrites(rate: Double(load.dirtyPagesPerSecond), set: Double(workingPages))
    vcpus = Double(max(1, workload.memory.vcpus))
    let relax = try operation.relaxation(
      invalidators: max(1, workload.memory.vcpus),
      gap: operation.dirtyGap
    )
    fault = (relax.whole, relax.isShared ? 0 : relax.inside + relax.flush)
    firstFaults = operation.policy.eagerSplit == .zero ? 1 + operation.blockShare(tables) : 1
    if start == .protect {
      let enable = try operation.logEnablePlan()
      self.start = enable.plan.groups
      counts = enable.counts
      clears = try ClearPlan(operation, tables, isProtected: true)
    } else {
      self.start = []
      counts = .zero
      clears = try ClearPlan(operation, tables, isProtected: false)
    }
    if case .ring(let entries) = harvest {
      ring = try DirtyRing(operation, clears, entries: entries, writes: writes)
    } else {
      ring = nil
    }
    let flushesVMID = clears.flushesVMID || ring != nil
    let refills = flushesVMID && operation.switches.has(.refill)
    refill = refills ? host.tlbi.vmidRefill.inNanoseconds : 0
  }
}

extension Policy {
  /// How dirty logging begins: as the policy says, or else as the workload does.
  package func logStart(over load: MigrationLoad) -> LogStart {
    let start = logStart ?? (load.initiallyAllSet ? .allSet : .protect)
    return start == .allSet && harvest != .clear ? .protect : start
  }
}

extension BatchedOperation {
  /// How dirty logging begins.
  var logStart: LogStart { policy.logStart(over: setup.workload.migration) }

  /// The rounds of a migration.
  package func preCopy() throws(OperationError) -> PreCopy { try PreCopy(self) }

  /// The same over a guest that has a mapping for every page, as logging since its start leaves it.
  var inPages: BatchedOperation {
    var paged = self
    paged.setup.workload.memory.blockShare = 0
    paged.setup.workload.memory.hugeBlockShare = 0
    return paged
  }

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
