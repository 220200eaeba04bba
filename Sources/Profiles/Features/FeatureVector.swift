// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

public import PageTables
public import Policies
public import Quantities

/// The work of an operation before it is run: its chunks, and how the VMM's calls cut them.
public struct OperationOutline: Hashable, Sendable {
  /// The chunks of all calls in order.
  public var train: ChunkTrain
  /// Calls the operation is made of: slices, ioctls; at least one.
  public var calls: Int64 = 1
  /// Pages of the base size that the host zaps and frees.
  public var freedPages: Int64 = 0
  /// Blocks that the host zaps and frees, of whatever size.
  public var freedBlocks: Int64 = 0
  /// The longest hold of the lock, where it is not that of a chunk.
  public var longestHold: Nanoseconds?
  /// Whether the work is done under mmu_lock: all but the destroy of an exiting process.
  public var holdsLock = true

  /// A notifier call that finds nothing mapped, where calls race for the same page.
  public var emptyCall: Nanoseconds?

  /// The outline of an operation that is one call and frees nothing.
  public init(_ train: ChunkTrain) { self.train = train }
}

/// The values of all features for one combination of host, kernel, workload and policy.
public struct FeatureVector: Hashable, Sendable {
  /// The values in the order of `Feature.allCases`, each in its feature's unit.
  public private(set) var values: [Double]

  /// Creates a vector of zeros.
  init() { values = [Double](repeating: 0, count: Feature.allCases.count) }

  /// Creates a vector from values in the order of `Feature.allCases`.
  ///
  /// Precondition: there are as many values as features.
  public init(values: [Double]) {
    precondition(values.count == Feature.allCases.count, "one value a feature")
    self.values = values
  }

  /// The value of one feature.
  public subscript(feature: Feature) -> Double {
    get { values[feature.index] }
    set { values[feature.index] = newValue }
  }
}

extension Feature {
  /// The place of the feature in a vector.
  var index: Int { Self.places[self] ?? 0 }

  private static let places = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) }
  )
}

extension FeatureVector {
  /// Computes every feature.
  ///
  /// - Parameters:
  ///   - host: The host and its unit costs.
  ///   - kernel: The kernel and its rules.
  ///   - workload: The guest, the operation and what shares the CPU.
  ///   - policy: The policy; it may name its own path and slices.
  ///   - outline: The exact stage-2 work of the operation under that policy.
  ///   - fluids: Where fluid estimates are kept for vectors that share them; nil keeps none.
  public init(
    host: HostProfile,
    kernel: KernelProfile,
    workload: WorkloadProfile,
    policy: Policy,
    outline: OperationOutline,
    sharing fluids: SharedFluids? = nil
  ) {
    self.init()
    addWork(host, workload, outline)
    addShape(host, workload, policy, outline)
    addNetwork(host, workload, policy)
    addKernel(host, kernel, workload, policy)
    addGuest(host, workload)
    addFaults(host, kernel, workload)
    addFluid(host, kernel, workload, policy, (outline, fluids))
    addPreCopy(host, workload, policy, outline)
  }

  private mutating func addWork(
    _ host: HostProfile,
    _ workload: WorkloadProfile,
    _ outline: OperationOutline
  ) {
    let work = WorkBreakdown(outline.train.total, on: host, FabricShare(host, workload))
    self[.leafWork] = work.leaf
    self[.invalidWork] = work.invalid
    self[.tableWork] = work.table
    self[.ipaFlushWork] = work.ipaFlush
    self[.rangeFlushWork] = work.rangeFlush
    self[.vmidFlushWork] = work.vmidFlush
    self[.cacheWork] = work.cache
    self[.stageTwoWork] = work.total
    self[.callWork] = host.hostFree.call.priced(outline.calls)
    self[.hostFreeWork] =
      host.hostFree.page.priced(outline.freedPages)
      + host.hostFree.hugePage.priced(outline.freedBlocks)
    self[.lockFree] = outline.holdsLock ? 0 : 1
  }

  private mutating func addShape(
    _ host: HostProfile,
    _ workload: WorkloadProfile,
    _ policy: Policy,
    _ outline: OperationOutline
  ) {
    let train = outline.train
    let tally = train.tally
    let share = FabricShare(host, workload)
    let chunks = tally.map { WorkBreakdown($0.chunk.counts, on: host, share).total }
    var sum = 0.0
    for (car, work) in zip(tally, chunks) { sum += work * Double(car.repeats) }
    var longest = chunks.max() ?? 0
    if case .timeBudget(let budget, _) = policy.controller {
      longest = min(longest, Double(budget.rawValue))
    }
    if let hold = outline.longestHold { longest = Double(hold.rawValue) }
    let breaks = train.mayYield && policy.breaks
    let call = sum / Double(max(1, outline.calls))
    self[.longestChunk] = longest
    self[.callStretch] = max(call, longest)
    let isWhole = outline.longestHold == nil && !breaks
    self[.longestStretch] = isWhole ? max(call, longest) : longest
    self[.controlled] = policy.controller == .fixed ? 0 : 1
    self[.slices] = Double(outline.calls)
    self[.pause] = outline.calls > 1 ? Double(policy.pause.rawValue) : 0
    self[.pauseWork] = self[.pause] * self[.slices]
    self[.chunks] = Double(train.chunkCount)
    self[.breakPoints] = breaks ? Double(max(0, train.chunkCount - outline.calls)) : 0
  }

  private mutating func addKernel(
    _ host: HostProfile,
    _ kernel: KernelProfile,
    _ workload: WorkloadProfile,
    _ policy: Policy
  ) {
    self[.jiffy] = Double(kernel.jiffy.rawValue)
    self[.preemptible] = kernel.preemption == .full || kernel.preemption == .lazy ? 1 : 0
    self[.lazy] = kernel.preemption == .lazy ? 1 : 0
    self[.interruptHere] = policy.interrupt == .sameCPU ? 1 : 0
    self[.threadedNAPI] = policy.threadedNAPI ? 1 : 0
    self[.readerHere] = workload.network.reader == .sameCPU ? 1 : 0
    self[.storageHere] = workload.storage.task == .sameCPU ? 1 : 0
    self[.cubic] = workload.network.congestion == .cubic ? 1 : 0
    self[.competitors] = Double(workload.competitors)
    self[.neighbours] = Double(workload.neighbours)
    // An unknown release has no features of its own: the model then says that it extrapolates.
    guard let rules = try? ReleaseRules.rules(for: kernel.release) else { return }
    let scheduler = SchedulerRules(rules, cpus: host.cpus, jiffy: kernel.jiffy)
    self[.schedulerSlice] = Double(scheduler.turn.rawValue)
    if case .eevdf = scheduler { self[.eevdf] = 1 }
    self[.oldSoftirqRule] = rules.softirqYieldsToKsoftirqd ? 1 : 0
  }

  private mutating func addGuest(_ host: HostProfile, _ workload: WorkloadProfile) {
    let memory = workload.memory
    let migration = workload.migration
    self[.vcpus] = Double(memory.vcpus)
    self[.mapped] = Double(memory.size.rawValue) * memory.touchedShare
    if workload.operation == .migration || workload.operation == .mapCreate {
      let fault = host.fault.outsideLock + host.fault.insideLock + host.fault.pageAllocation
      self[.faultWork] = fault.inNanoseconds * self[.mapped] / Double(host.granule.page.rawValue)
    }
    guard workload.operation == .migration else { return }
    self[.link] = Double(migration.link.rawValue)
    self[.dirtyRate] = Double(migration.dirtyPagesPerSecond)
    self[.workingSet] = Double(migration.workingSet.rawValue)
    self[.downtimeLimit] = Double(migration.downtimeLimit.rawValue)
    if migration.link > .zero {
      self[.transfer] = self[.mapped] * 8e9 / Double(migration.link.rawValue)
      self[.dirtyTransfer] = dirtied(host, migration) * 8e9 / Double(migration.link.rawValue)
    }
  }

  /// Bytes of distinct pages that random writes dirty in the time of one transfer: of W pages,
  /// W (1 - exp(-r t / W)) after t at rate r.
  private func dirtied(_ host: HostProfile, _ migration: MigrationLoad) -> Double {
    let set = min(self[.mapped], max(self[.workingSet], 0))
    guard set > 0 else { return 0 }
    let page = Double(host.granule.page.rawValue)
    let written = self[.dirtyRate] * page * self[.transfer] / 1e9
    return set * (1 - exp(-written / set))
  }

  private mutating func addFaults(
    _ host: HostProfile,
    _ kernel: KernelProfile,
    _ workload: WorkloadProfile
  ) {
    guard workload.operation == .migration || workload.operation == .mapCreate,
      let rules = try? ReleaseRules.rules(for: kernel.release)
    else { return }
    self[.sharedFaults] = rules.sharedFaults == .none ? 0 : 1
    self[.localRelax] = rules.relaxesLocally ? 1 : 0
    let isMigration = workload.operation == .migration
    let rate = isMigration ? workload.migration.dirtyPagesPerSecond : 0
    let vcpus = max(1, workload.memory.vcpus)
    let gap = rate > 0 ? 1e9 * Double(vcpus) / Double(rate) : 0
    let share = FabricShare(host, workload, invalidators: isMigration ? vcpus : 1)
    let relax = RelaxationCost(on: host, rules, share, gap: gap)
    self[.faultCost] = relax.whole
  }
}
