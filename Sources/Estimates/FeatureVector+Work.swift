// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import Observations
package import Operations
import PageTables
import Policies
import Profiles
import Quantities

extension FeatureVector {
  /// Computes every feature.
  ///
  /// - Parameters:
  ///   - operation: The host, the kernel, the workload and how the policy batches its operation.
  ///   - plan: The exact stage-2 work of the operation, as `gatheredPlan` gives it.
  ///   - fluids: Where fluid estimates are kept for vectors that share them; nil keeps none.
  package init(
    of operation: BatchedOperation,
    plan: GatheredPlan,
    sharing fluids: SharedFluids? = nil
  ) {
    self.init()
    let (host, kernel, workload) = (operation.host, operation.kernel, operation.workload)
    let policy = operation.policy
    addWork(host, workload, plan)
    addShape(host, workload, policy, plan)
    addNetwork(host, workload, policy)
    addKernel(host, kernel, workload, policy)
    addGuest(host, workload)
    addFaults(host, kernel, workload)
    addFluid(operation, plan, fluids)
    addPreCopy(plan)
  }

  private mutating func addWork(
    _ host: HostProfile,
    _ workload: WorkloadProfile,
    _ plan: GatheredPlan
  ) {
    let work = WorkBreakdown(plan.sequence.total, on: host, FabricShare(host, workload))
    self[.leafWork] = work.leaf
    self[.invalidWork] = work.invalid
    self[.tableWork] = work.table
    self[.ipaFlushWork] = work.ipaFlush
    self[.rangeFlushWork] = work.rangeFlush
    self[.vmidFlushWork] = work.vmidFlush
    self[.cacheWork] = work.cache
    self[.stageTwoWork] = work.total
    self[.callWork] = host.hostFree.call.priced(plan.calls)
    self[.hostFreeWork] =
      host.hostFree.page.priced(plan.freedPages)
      + host.hostFree.hugePage.priced(plan.freedBlocks)
    self[.lockFree] = plan.holdsLock ? 0 : 1
  }

  private mutating func addShape(
    _ host: HostProfile,
    _ workload: WorkloadProfile,
    _ policy: Policy,
    _ plan: GatheredPlan
  ) {
    let sequence = plan.sequence
    let tally = sequence.tally
    let share = FabricShare(host, workload)
    let chunks = tally.map { WorkBreakdown($0.chunk.counts, on: host, share).total }
    var sum = 0.0
    for (repeated, work) in zip(tally, chunks) { sum += work * Double(repeated.repeats) }
    var longest = chunks.max() ?? 0
    if case .timeBudget(let budget, _) = policy.controller {
      longest = min(longest, Double(budget.rawValue))
    }
    if let hold = plan.longestHold { longest = Double(hold.rawValue) }
    let breaks = sequence.mayYield && policy.breaks
    let call = sum / Double(max(1, plan.calls))
    self[.longestChunk] = longest
    self[.callStretch] = max(call, longest)
    let isWhole = plan.longestHold == nil && !breaks
    self[.longestStretch] = isWhole ? max(call, longest) : longest
    self[.controlled] = policy.controller == .fixed ? 0 : 1
    self[.slices] = Double(plan.calls)
    self[.pause] = plan.calls > 1 ? Double(policy.pause.rawValue) : 0
    self[.pauseWork] = self[.pause] * self[.slices]
    self[.chunks] = Double(sequence.chunkCount)
    self[.breakPoints] = breaks ? Double(max(0, sequence.chunkCount - plan.calls)) : 0
  }

  private mutating func addKernel(
    _ host: HostProfile,
    _ kernel: KernelProfile,
    _ workload: WorkloadProfile,
    _ policy: Policy
  ) {
    self[.jiffy] = Double(kernel.jiffy.rawValue)
    self[.preemptible] = kernel.preemption.preemptsKernel ? 1 : 0
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
