// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

extension Scenario {
  /// vCPUs dirty a write-protected memory, each its own part, a word a page.
  ///
  /// A sample of each part is simulated and scaled.
  func dirty() throws(ScenarioError) -> RunReport {
    let pages = try dirtyPages()
    let storm = try dirtyStorm(pages)
    let outcome = storm.run()
    let scale = Double(pages) / Double(storm.pages)
    var report = RunReport(identity: identity)
    report.add(outcome, scale: scale)
    report.counts = try dirtyCounts(pages)
    return report
  }

  /// Pages that each vCPU writes.
  func dirtyPages() throws(ScenarioError) -> Int64 {
    let vcpus = try stormVCPUs()
    let memory = workload.memory
    guard memory.blockShare + memory.hugeBlockShare == 0 else {
      throw .value(
        name: "vm.block_share",
        given: "\(memory.blockShare + memory.hugeBlockShare) of the memory in blocks",
        legal: "0 with operation=dirty: pages that are write-protected one by one"
      )
    }
    return max(1, memory.size.divided(roundedDownBy: host.granule.page) / Int64(vcpus))
  }

  private func dirtyStorm(_ pages: Int64) throws(ScenarioError) -> DirtyStorm {
    let vcpus = workload.memory.vcpus
    // As the only invalidator: what vCPUs make each other wait is simulated.
    let cost = try relaxation(invalidators: 1)
    let flush = Nanoseconds.seconds(rounding: cost.flush / 1e9)
    var storm = DirtyStorm(
      vcpus: vcpus,
      pages: Int(min(pages, Int64(max(256, 65_536 / vcpus)))),
      outside: host.fault.outsideLock * 1,
      inside: host.fault.insideLock * 1,
      flush: flush,
      seed: seed
    )
    storm.sharesLock = cost.isShared
    if !(try rules().release.relaxesLocally), switches.has(.fabric) {
      storm.carried = .seconds(rounding: cost.flush * host.tlbi.occupancy / 1e9)
      storm.issue = flush - storm.carried
    }
    return storm
  }

  /// The stage-2 events of writing `pages` protected pages by each vCPU.
  func dirtyCounts(_ pages: Int64) throws(ScenarioError) -> EventCounts {
    let rules = try rules()
    let base = GuestAddress(rawValue: 0x4000_0000)
    let part = AddressRange(start: base, size: host.granule.page * 64)
    do throws(PageTableError) {
      var tables = StageTwo(
        geometry: try StageTwoGeometry(granule: host.granule, ipaBits: workload.memory.ipaBits)
      )
      try tables.map(part, level: 3)
      _ = try tables.writeProtect(slot: part, rules)
      let access = GuestAccess(
        range: AddressRange(start: base, size: host.granule.page),
        stride: host.granule.page,
        isWrite: true
      )
      var slot = MemorySlot(range: part, hostLevel: 3)
      slot.isLogging = true
      let one = try tables.touch(access, in: slot, rules)
      return one * (pages * Int64(workload.memory.vcpus))
    } catch {
      throw .pageTables(error)
    }
  }
}
