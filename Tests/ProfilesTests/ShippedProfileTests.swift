// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Profiles
import Quantities
import Testing

/// The store of the package under test.
let shipped = ProfileStore.standard(named: nil)

@Suite struct ShippedProfileTests {
  @Test func everyHostLoads() throws {
    let names = shipped.names(of: .host)
    #expect(names.count == 12)
    for name in names {
      let host = try shipped.load(HostProfile.self, named: name)
      #expect(host.profile.name == name)
      #expect(!host.summary.isEmpty)
      #expect(host.profile.stage2.leafCleared > .zero && host.profile.tlbi.ipaFlush > .zero)
      #expect(
        host.entries.count == HostProfile.keys.count { !$0.isSilentUnset },
        "\(name) sets every key"
      )
    }
  }

  @Test func everyKernelLoads() throws {
    let names = shipped.names(of: .kernel)
    #expect(names.count == 12)
    #expect(names.first == "5.10" && names.last == "7.3")
    for name in names {
      let kernel = try shipped.load(KernelProfile.self, named: name)
      #expect(kernel.profile.release.description == name)
    }
  }

  @Test func everyWorkloadLoadsWithAReasonAndAServiceLevel() throws {
    let names = shipped.names(of: .workload)
    #expect(names.count >= 13)
    for name in names {
      let workload = try shipped.load(WorkloadProfile.self, named: name)
      #expect(workload.profile.memory.size > .zero)
      #expect(!workload.profile.serviceLevels.isEmpty, "\(name) says what must be kept")
      #expect(workload.entries.allSatisfy { !$0.why.isEmpty && !$0.source.isEmpty })
    }
  }

  @Test func containerChurnIsTheFleetOfTheThread() throws {
    let churn = try shipped.load(WorkloadProfile.self, named: "container-churn").profile
    #expect(churn.memory.size == .gibibytes(256) && churn.memory.ipaBits == 48)
    #expect(churn.network.frame == .bytes(9001) && churn.network.offered == .gigabits(9.5))
    #expect(churn.teardownPath == .munmap)
    #expect(churn.serviceLevels.contains(ServiceLevel(.ioGoodput, .share(0.97))))
    let exit = try shipped.load(WorkloadProfile.self, named: "container-churn-exit")
    #expect(exit.profile.teardownPath == .processExit)
    #expect(exit.profile.memory.size == churn.memory.size)
    #expect(exit.files.count == 2)
  }

  /// The published figures that the two fitted values of graviton3 must give back.
  @Test func graviton3GivesBackItsCalibrationRows() throws {
    let host = try shipped.load(HostProfile.self, named: "graviton3")
    let (stage2, tlbi) = (host.profile.stage2, host.profile.tlbi)
    let leaves = Int64(1) << 25
    let tables = Int64(65_664)
    let walk =
      (stage2.leafCleared * leaves + (stage2.tableVisit + stage2.tableFreed) * tables).inSeconds
    let flushes = (tlbi.ipaFlush * (leaves + tables)).inSeconds
    #expect(abs(walk / 5.9 - 1) < 0.001)
    #expect(abs((walk + flushes) / 39.5 - 1) < 0.02)
    #expect(abs((walk + flushes) / 128 / 0.300 - 1) < 0.02)
    #expect(
      host.entries.filter { $0.provenance == .fitted }.map(\.key).sorted() == [
        "nic.packet", "stage2.leaf_cleared", "tlbi.ipa_flush",
      ]
    )
  }

  @Test func everyKeyIsReadBackAsItIsWritten() throws {
    let host = try shipped.load(HostProfile.self, named: "graviton3")
    for entry in host.entries {
      var again = host
      let text = try #require(
        HostProfile.keys.first { $0.name == entry.key }?.text(in: host.profile)
      )
      try again.set(entry.key, to: text)
      #expect(again.profile == host.profile, "\(entry.key)")
    }
    let churn = try shipped.load(WorkloadProfile.self, named: "container-churn")
    for entry in churn.entries {
      var again = churn
      let key = try #require(WorkloadProfile.keys.first { $0.name == entry.key })
      try again.set(entry.key, to: try #require(key.text(in: churn.profile)))
      #expect(Set(again.profile.serviceLevels) == Set(churn.profile.serviceLevels))
      again = churn
    }
  }
}
