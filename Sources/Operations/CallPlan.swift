// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities

/// How an operation is carried out, call by call: the one description that the machine's plan and
/// the estimate are read from.
package struct CallPlan: Sendable {
  /// What the kernel does to the tables in a call, and under which rules.
  package enum Walk: Hashable, Sendable {
    /// Leaves are cleared, under mmu_lock.
    case unmap
    /// Leaves are write-protected under mmu_lock; the slot's flush follows outside.
    case protect
    /// The tables of an exiting process are dropped, without the lock.
    case destroy
  }

  /// How the guest's memory is divided over calls.
  package enum Cut: Hashable, Sendable {
    /// One call.
    case whole
    /// A call for each slice of this size.
    case slices(ByteCount)
    /// A notifier call for each leaf.
    case leaves
    /// A notifier call for each of the workload's ranges.
    case ranges
  }

  /// What is done to the tables.
  package var walk: Walk
  /// Under which rules.
  package var rules: StageTwoRules
  /// Over how many calls.
  package var cut = Cut.whole
  /// What a call does before its walk: the system call, and what the kernel sets up for it.
  package var entry: [WorkStep] = []
  /// Whether the host zaps and frees what a call has unmapped.
  package var frees = false
  /// What the VMM does after a call.
  package var rest: WorkStep?
  /// With an eager split: how logging that starts splits what it has protected.
  package var split: SplitPlan?

  /// Whether the walk is done under mmu_lock.
  package var holdsLock: Bool { walk != .destroy }
}

extension BatchedOperation {
  /// The calls of the operation; nil for those that are no calls over the guest's memory:
  /// migrations and what vCPUs do themselves.
  package func callPlan() throws(OperationError) -> CallPlan? {
    switch setup.workload.operation {
    case .teardown: return try teardownCalls()
    case .logEnable:
      let rules = try rules()
      var calls = CallPlan(walk: .protect, rules: rules, entry: [callStep, bitmapStep])
      do throws(PageTableError) { calls.split = try splitPlan(rules.release) } catch {
        throw .pageTables(error)
      }
      return calls
    case .reclaim:
      var rules = try rules()
      rules.chunk = .mappingAware(setup.host.granule.page)
      rules.mayYield = false
      let load = setup.workload.unmap
      if load.hasRanges { rules.chunk = .mappingAware(load.range ?? setup.host.granule.page) }
      // A leaf's notifier pair is paid with its freeing.
      let cut = load.hasRanges ? CallPlan.Cut.ranges : .leaves
      return CallPlan(walk: .unmap, rules: rules, cut: cut, frees: load.givesBack)
    case .migration, .map, .mapCreate, .dirty, .populate: return nil
    }
  }

  /// The policy's eager split with an empty cache; nil where it has none.
  func splitPlan(_ release: ReleaseRules) throws(PageTableError) -> SplitPlan? {
    guard policy.eagerSplit > .zero else { return nil }
    return try SplitPlan(
      chunk: policy.eagerSplit,
      granule: setup.host.granule,
      release: release
    )
  }

  private func teardownCalls() throws(OperationError) -> CallPlan {
    let rules = try rules()
    if path == .processExit { return CallPlan(walk: .destroy, rules: rules, frees: true) }
    let entry = path == .memslotDelete ? slotDeleteStep : callStep
    var calls = CallPlan(walk: .unmap, rules: rules, entry: [entry], frees: true)
    if let slice {
      calls.cut = .slices(slice)
      calls.rest = pauseStep
    }
    return calls
  }

  /// One system call or notifier pair: entry, SRCU, both ends.
  package var callStep: WorkStep {
    WorkStep(.hostSide, unit: setup.host.hostFree.call * 1, yieldsBetween: false)
  }

  /// A memslot delete up to its first chunk: the new slots are built and readers waited for.
  private var slotDeleteStep: WorkStep {
    WorkStep(.hostSide, unit: setup.host.hostFree.slotDelete * 1, yieldsBetween: false)
  }

  /// What the VMM does between two slices.
  private var pauseStep: WorkStep {
    guard policy.pause > .zero else { return WorkStep(.yield, unit: .zero) }
    return WorkStep(.sleep, unit: policy.pause + setup.host.cpu.timerSlack)
  }

  /// Whether a call gives back less than a block, so that the host's own huge page is split first and
  /// freed page by page.
  func splitsHugePages(_ calls: CallPlan) -> Bool {
    guard case .slices(let slice) = calls.cut else { return false }
    return slice < setup.host.granule.smallestBlock
  }

  /// The slot's dirty bitmap is allocated and zeroed when logging is switched on: a bit for each
  /// page, twice, since GET and CLEAR copy through the second half (kvm_main, 5.10 to 7.3).
  private var bitmapStep: WorkStep {
    let granule = setup.host.granule
    let pages = setup.workload.memory.size.divided(roundedUpBy: granule.page)
    let bitmap = ByteCount(rawValue: 2 * ((pages + 7) / 8))
    let allocated = bitmap.divided(roundedUpBy: granule.page)
    let scale = granule.page.divided(roundedUpBy: .kibibytes(4))
    return WorkStep(
      .hostSide,
      unit: setup.host.fault.pageAllocation * (allocated * scale),
      yieldsBetween: false
    )
  }
}
