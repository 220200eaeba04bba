// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
package import Quantities
package import Randomness

extension BatchedOperation {
  /// Pages that each vCPU writes.
  package func dirtyPages() throws(OperationError) -> Int64 {
    let vcpus = try stormVCPUs()
    let memory = setup.workload.memory
    guard memory.blockShare + memory.hugeBlockShare == 0 else {
      throw .value(
        name: "vm.block_share",
        given: "\(memory.blockShare + memory.hugeBlockShare) of the memory in blocks",
        legal: "0 with operation=dirty: pages that are write-protected one by one"
      )
    }
    return max(1, memory.size.divided(roundedDownBy: setup.host.granule.page) / Int64(vcpus))
  }

  package func dirtyStorm(_ pages: Int64, seed: Seed) throws(OperationError) -> DirtyStorm {
    let vcpus = setup.workload.memory.vcpus
    // As the only invalidator: what vCPUs make each other wait is simulated.
    let cost = try relaxation(invalidators: 1)
    let flush = Nanoseconds.seconds(rounding: cost.flush / 1e9)
    var storm = DirtyStorm(
      vcpus: vcpus,
      pages: Int(min(pages, Int64(max(256, 65_536 / vcpus)))),
      outside: setup.host.fault.outsideLock * 1,
      inside: setup.host.fault.insideLock * 1,
      flush: flush,
      seed: seed
    )
    storm.sharesLock = cost.isShared
    if !(try rules().release.relaxesLocally), switches.has(.fabric) {
      storm.carried = .seconds(rounding: cost.flush * setup.host.tlbi.occupancy / 1e9)
      storm.issue = flush - storm.carried
    }
    return storm
  }

  /// The stage-2 events of writing `pages` protected pages by each vCPU.
  package func dirtyCounts(_ pages: Int64) throws(OperationError) -> EventCounts {
    let rules = try rules()
    let base = GuestAddress(rawValue: 0x4000_0000)
    let part = AddressRange(start: base, size: setup.host.granule.page * 64)
    do throws(PageTableError) {
      var tables = try emptyTables()
      try tables.map(part, level: 3)
      _ = try tables.writeProtect(slot: part, rules)
      let access = GuestAccess(
        range: AddressRange(start: base, size: setup.host.granule.page),
        stride: setup.host.granule.page,
        isWrite: true
      )
      var slot = MemorySlot(range: part, hostLevel: 3)
      slot.isLogging = true
      let one = try tables.touch(access, in: slot, rules)
      return one * (pages * Int64(setup.workload.memory.vcpus))
    } catch {
      throw .pageTables(error)
    }
  }

  /// What a write to a protected page costs under the scenario's switches; `gap` as in
  /// `RelaxationCost`.
  package func relaxation(invalidators: Int, gap: Double = 0) throws(OperationError)
    -> RelaxationCost
  {
    let shared = FabricShare(setup.host, setup.workload, invalidators: invalidators)
    return RelaxationCost(
      on: setup.host,
      try rules().release,
      sharesLock: switches.has(.sharedFaults),
      switches.has(.fabric) ? shared : FabricShare(),
      gap: gap
    )
  }

  /// What each vCPU does between two writes to clean pages, in nanoseconds.
  package var dirtyGap: Double {
    let rate = Double(setup.workload.migration.dirtyPagesPerSecond)
    return rate > 0 ? 1e9 * Double(max(1, setup.workload.memory.vcpus)) / rate : 0
  }

  /// The mean time between two faults of a guest that runs while the operation does; nil where no
  /// guest runs, or where it is not said what it writes.
  package var faultGap: Nanoseconds? {
    switch setup.workload.operation {
    case .migration, .logEnable:
      let rate = setup.workload.migration.dirtyPagesPerSecond
      return rate > 0 ? .seconds(1) / Int64(rate) : nil
    default: return nil
    }
  }
}
