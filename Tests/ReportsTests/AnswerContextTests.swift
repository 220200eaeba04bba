// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Reports
import Testing

/// The heading of an answer and where its values come from.
@Suite struct AnswerContextTests {
  private let store = ProfileStore.standard(named: nil)

  private func heading(_ changes: [String: String], host: String = "graviton3") throws -> String {
    var workload = try store.load(WorkloadProfile.self, named: "container-churn")
    for (key, value) in changes.sorted(by: { $0.key < $1.key }) {
      try workload.set(key, to: value)
    }
    return AnswerContext(
      workload: workload,
      host: try store.load(HostProfile.self, named: host),
      kernel: try store.load(KernelProfile.self, named: "6.1")
    ).heading
  }

  @Test(
    arguments: [
      ([:], "256GiB, 4K leaves, munmap teardown, 9.5 Gbit/s read on another CPU"),
      (["vm.block_share": "1"], "256GiB, 2M leaves, munmap"),
      (["vm.huge_block_share": "1"], "256GiB, 1G leaves, munmap"),
      (
        ["vm.block_share": "0.25", "vm.huge_block_share": "0.5"],
        "256GiB, 25 % 4K + 25 % 2M + 50 % 1G leaves, munmap"
      ),
      (["net.reader": "same"], "9.5 Gbit/s read on the same CPU"),
      (["net.reader": "unpinned"], "read on a CPU of the scheduler's choice"),
      (["net.direction": "send"], "9.5 Gbit/s sent from another CPU"),
      (["net.flows": "0"], "munmap teardown"),
      (["storage.queue_depth": "32"], "read on another CPU, storage at queue depth 32"),
      (["operation": "map-create", "vm.vcpus": "8"], "first touch by 8 vCPUs"),
      (["operation": "dirty", "vm.vcpus": "8"], "dirtying by 8 vCPUs"),
      (["operation": "reclaim"], "reclaim, 9.5 Gbit/s"),
      (["operation": "migration", "migration.link": "25Gbit/s"], "migration over 25 Gbit/s"),
    ] as [([String: String], String)]
  )
  func aHeadingSaysWhatWasAsked(changes: [String: String], part: String) throws {
    let heading = try heading(changes)
    #expect(heading.hasPrefix("container-churn on graviton3, Linux 6.1 (VOLUNTARY, HZ 250): "))
    // A storm is the vCPUs' own, and without flows there is no load to name.
    let isWhole =
      changes["net.flows"] == "0" || ["dirty", "map-create"].contains(changes["operation"])
    #expect(isWhole ? heading.hasSuffix(part) : heading.contains(part), "\(heading)")
  }

  @Test func everyHostsValuesAreCounted() throws {
    let workload = try store.load(WorkloadProfile.self, named: "container-churn")
    let kernel = try store.load(KernelProfile.self, named: "6.12")
    for name in store.names(of: .host) {
      let host = try store.load(HostProfile.self, named: name)
      let context = AnswerContext(workload: workload, host: host, kernel: kernel)
      let words = context.provenance.split(whereSeparator: { !$0.isLetter && !$0.isNumber })
      let numbers = words.compactMap { Int($0) }
      #expect(numbers.reduce(0, +) == host.entries.count && !numbers.contains(0), "\(name)")
      #expect(context.provenance.hasPrefix("host: "))
      #expect(context.files == workload.files + host.files + kernel.files)
    }
  }
}
