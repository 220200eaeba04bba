// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
public import PageTables
import Policies
import Profiles
import Quantities

/// What the walker is to do, and the stage-2 events in it.
struct Operation {
  var plan: WorkPlan
  var counts: EventCounts
}

extension Scenario {
  /// The path a teardown takes: the policy's, or the workload's.
  var path: TeardownPath { policy.path ?? workload.teardownPath }

  /// The rules under which the page tables are walked.
  func rules() throws(ScenarioError) -> StageTwoRules {
    do throws(PageTableError) {
      var rules = try StageTwoRules(kernel.release, host.features)
      rules.chunk = chunkRule
      rules.flush = policy.flush
      return rules
    } catch {
      throw .pageTables(error)
    }
  }

  /// The chunk rule of the walk: the policy's, or what its controller makes of it.
  ///
  /// A time budget becomes the number of visits that take so long, in whole strides: the
  /// controller looks at the clock once a stride. A feedback controller joins chunks of its floor.
  public var chunkRule: ChunkRule {
    switch policy.controller {
    case .fixed: return policy.chunk
    case .timeBudget(let budget, let stride):
      let strides = budget.rawValue / max(1, (dearestLeaf * Int64(stride)).rawValue)
      return .visits(Int(max(1, strides)) * stride)
    case .feedback(let floor, _):
      let longest = setting.size(of: policy.chunk) ?? floor
      return .fixed(min(floor, longest))
    }
  }

  /// What clearing one leaf costs at most in this guest.
  private var dearestLeaf: UnitCost {
    let hasBlocks = workload.memory.blockShare + workload.memory.hugeBlockShare > 0
    let level = hasBlocks ? 2 : 3
    var cost = host.stage2.leafCleared
    if policy.flush == .perLeaf { cost = cost + host.tlbi.ipaFlush }
    if !host.features.forcedWriteBack {
      let bytes = host.granule.entrySize(level: level)
      let lines = bytes.divided(roundedUpBy: host.features.cacheLine)
      cost = cost + UnitCost(rawValue: host.stage2.cacheLineCleaned.rawValue * lines)
    }
    return max(cost, UnitCost(rawValue: 1))
  }

  /// How the machine joins the walk's chunks, with a feedback controller.
  private var unitController: UnitController? {
    guard case .feedback(let floor, let patience) = policy.controller else { return nil }
    let longest = setting.size(of: policy.chunk) ?? floor
    return UnitController(
      longest: max(1, longest.divided(roundedDownBy: floor)),
      patience: max(1, patience)
    )
  }

  /// Who shares the TLBI fabric with the operation.
  var share: FabricShare {
    switches.has(.fabric) ? FabricShare(host, workload) : FabricShare()
  }

  /// Turns the operation into the walker's plan.
  func plan() throws(ScenarioError) -> Operation {
    switch workload.operation {
    case .teardown: return try teardown()
    case .logEnable: return try logEnable()
    case .reclaim: return try reclaim()
    case .migration:
      let logging = try loggingCosts()
      return Operation(plan: logging.plan, counts: logging.counts)
    case .mapCreate: return Operation(plan: WorkPlan(), counts: try storm().counts)
    case .map: return try map()
    case .dirty: return Operation(plan: WorkPlan(), counts: try dirtyCounts(try dirtyPages()))
    }
  }

  /// The host takes the memory back leaf by leaf: a notifier call each, then the page is freed.
  ///
  /// Equal leaves are one group; their order does not matter to anybody who waits.
  private func reclaim() throws(ScenarioError) -> Operation {
    var tables = try layOut()
    var rules = try rules()
    rules.chunk = .mappingAware(host.granule.page)
    let train: ChunkTrain
    do throws(PageTableError) {
      train = try tables.unmap(memoryRange, rules)
    } catch {
      throw .pageTables(error)
    }
    var groups: [WorkGroup] = []
    var counts = train.total
    counts.breakPoints = 0
    for car in train.tally where car.chunk.counts.leavesCleared > 0 {
      var step = stageTwoStep(car)
      step.units = 1
      let isPage = car.chunk.span <= host.granule.page
      let free = (isPage ? host.hostFree.page : host.hostFree.hugePage) + host.hostFree.call
      let steps = [step, WorkStep(.hostSide, unit: free * 1)]
      if let same = groups.firstIndex(where: { $0.steps == steps }) {
        groups[same].repeats += car.repeats
      } else {
        groups.append(WorkGroup(steps, repeats: car.repeats))
      }
    }
    return Operation(plan: WorkPlan(groups), counts: counts)
  }

  /// One vCPU touches its memory for the first time: a fault for each page or block.
  ///
  /// None of them knows of chunks. The vCPU's task can be preempted at every exit from the guest.
  private func map() throws(ScenarioError) -> Operation {
    guard self.tables == nil else {
      throw .value(name: "operation", given: "map of a dump", legal: "a mix of leaves to fault in")
    }
    let leaves = max(1, try layOut().leafCounts.reduce(0, +))
    let counts = try firstTouch()
    let fault = host.fault.outsideLock + host.fault.insideLock + host.fault.pageAllocation
    let step = WorkStep(.stageTwo, unit: fault * 1, units: leaves)
    return Operation(plan: WorkPlan([WorkGroup([step])]), counts: counts)
  }

  /// The stage-2 events of one vCPU's first touch of all memory.
  func firstTouch() throws(ScenarioError) -> EventCounts {
    let rules = try rules()
    var counts = EventCounts()
    do throws(PageTableError) {
      var tables = StageTwo(
        geometry: try StageTwoGeometry(granule: host.granule, ipaBits: workload.memory.ipaBits)
      )
      for part in mappedParts {
        let access = GuestAccess(range: part.range, stride: host.granule.page, isWrite: true)
        let slot = MemorySlot(range: part.range, hostLevel: part.level)
        counts += try tables.touch(access, in: slot, rules)
      }
    } catch {
      throw .pageTables(error)
    }
    return counts
  }

  private func teardown() throws(ScenarioError) -> Operation {
    var tables = try layOut()
    let leaves = tables.leafCounts
    switch path {
    case .processExit:
      let train = tables.destroy(try rules())
      let isChunked = train.chunkCount > 1
      let steps = train.cars.map { car in
        var step = stageTwoStep(car)
        step.holdsLock = false
        step.yieldsBetween = isChunked
        return step
      }
      return Operation(
        plan: WorkPlan([WorkGroup(chained(steps) + freeing(leaves))]),
        counts: train.total
      )
    case .memslotDelete: return try whole(&tables, leaves)
    case .munmap:
      guard let slice = policy.slice else { return try whole(&tables, leaves) }
      return try sliced(tables, slice)
    case .madviseSlices:
      return try sliced(tables, policy.slice ?? host.granule.smallestBlock)
    }
  }

  /// One call over the whole memory, then the host's freeing.
  private func whole(
    _ tables: inout StageTwo,
    _ leaves: [Int64]
  ) throws(ScenarioError) -> Operation {
    let train = try unmap(&tables, memoryRange)
    let first = path == .memslotDelete ? slotDeleteStep : callStep
    let steps = [first] + lockedSteps(train) + freeing(leaves)
    return Operation(plan: WorkPlan([WorkGroup(steps)]), counts: train.total)
  }

  func unmap(
    _ tables: inout StageTwo,
    _ range: AddressRange
  ) throws(ScenarioError) -> ChunkTrain {
    let rules = try rules()
    do throws(PageTableError) {
      return try tables.unmap(range, rules)
    } catch {
      throw .pageTables(error)
    }
  }

  private func logEnable() throws(ScenarioError) -> Operation {
    var tables = try layOut()
    let rules = try rules()
    do throws(PageTableError) {
      let train = try tables.writeProtect(slot: memoryRange, rules)
      var steps = [callStep, bitmapStep] + lockedSteps(train)
      let flush = host.price(train.epilogue, share)
      steps.append(flush.step(holdsLock: false, yieldsBetween: false))
      return Operation(plan: WorkPlan([WorkGroup(steps)]), counts: train.total)
    } catch {
      throw .pageTables(error)
    }
  }

  /// The slot's dirty bitmap is allocated and zeroed when logging is switched on: a bit for each
  /// page, twice, since GET and CLEAR copy through the second half (kvm_main, 5.10 to 7.3).
  private var bitmapStep: WorkStep {
    let pages = workload.memory.size.divided(roundedUpBy: host.granule.page)
    let bitmap = ByteCount(rawValue: 2 * ((pages + 7) / 8))
    let allocated = bitmap.divided(roundedUpBy: host.granule.page)
    let scale = host.granule.page.divided(roundedUpBy: .kibibytes(4))
    return WorkStep(
      .hostSide,
      unit: host.fault.pageAllocation * (allocated * scale),
      yieldsBetween: false
    )
  }

  /// One system call or notifier pair: entry, SRCU, both ends.
  var callStep: WorkStep {
    WorkStep(.hostSide, unit: host.hostFree.call * 1, yieldsBetween: false)
  }

  /// A memslot delete up to its first chunk: the new slots are built and readers waited for.
  private var slotDeleteStep: WorkStep {
    WorkStep(.hostSide, unit: host.hostFree.slotDelete * 1, yieldsBetween: false)
  }

  /// What the VMM does between two slices.
  var pauseStep: WorkStep {
    policy.pause > .zero ? WorkStep(.sleep, unit: policy.pause) : WorkStep(.yield, unit: .zero)
  }

  private func stageTwoStep(_ car: ChunkTrain.Car) -> WorkStep {
    let price = host.price(car.chunk.counts, share)
    return price.step(units: car.repeats, holdsLock: true, yieldsBetween: true)
  }

  /// The steps of a train under mmu_lock, with its break points where it has any.
  func lockedSteps(_ train: ChunkTrain) -> [WorkStep] {
    chained(
      train.cars.map { car in
        var step = stageTwoStep(car)
        step.yieldsBetween = train.mayYield && policy.breaks
        step.controller = unitController
        return step
      }
    )
  }

  /// Marks every step but the last as going on under the same hold.
  private func chained(_ steps: [WorkStep]) -> [WorkStep] {
    var steps = steps
    for index in steps.indices.dropLast() { steps[index].continues = true }
    return steps
  }

  /// The host's own zapping and freeing of what these leaves mapped.
  func freeing(_ leaves: [Int64]) -> [WorkStep] {
    guard switches.has(.hostFreeing) else { return [] }
    var steps: [WorkStep] = []
    let batch = Int64(max(1, host.hostFree.pagesPerYield))
    let pages = leaves[3]
    if pages >= batch {
      steps.append(WorkStep(.hostSide, unit: host.hostFree.page * batch, units: pages / batch))
    }
    if pages % batch > 0 {
      steps.append(WorkStep(.hostSide, unit: host.hostFree.page * (pages % batch)))
    }
    let blocks = leaves[1] + leaves[2]
    if blocks > 0 {
      steps.append(WorkStep(.hostSide, unit: host.hostFree.hugePage * 1, units: blocks))
    }
    return steps
  }
}
