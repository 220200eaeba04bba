// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Machine
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import TestSupport

extension RecordedCase {
  /// Cases that a design of the policy space does not reach, by hand.
  static func corners() throws -> [RecordedCase] {
    try operations() + harvests() + storms() + neighbours() + dumps() + switches() + extents()
  }

  private static let store = ProfileStore(
    directories: [packageRoot.appending(path: "models")]
  )

  private static func scenario(
    _ workload: String,
    _ host: String,
    _ kernel: String,
    _ policy: String = "",
    _ change: (inout Scenario) throws -> Void = { _ in }
  ) throws -> RecordedCase {
    let host = try store.load(HostProfile.self, named: host).profile
    let kernel = try store.load(KernelProfile.self, named: kernel).profile
    let workload = try store.load(WorkloadProfile.self, named: workload).profile
    let setup = Setup(host: host, kernel: kernel, workload: workload)
    let base = setup.setting.baseline
    var scenario = Scenario(
      setup,
      policy: policy.isEmpty ? base : try Policy(parsing: policy, over: base),
      seed: Seed(7)
    )
    scenario.extent = .window(.brief)
    try change(&scenario)
    return RecordedCase(
      "\(scenario.workload.operation.rawValue) \(host.name) \(kernel.name) \(workload.name) "
        + "\(scenario.policy)",
      scenario
    )
  }

  private static func named(_ name: String, _ found: RecordedCase) -> RecordedCase {
    RecordedCase("\(name) \(found.name)", found.scenario)
  }

  private static func operations() throws -> [RecordedCase] {
    var cases: [RecordedCase] = []
    let operations = StageTwoOperation.allCases
    for (host, kernel) in [
      ("graviton3", "6.1"), ("graviton4", "6.12"), ("ampere-altra", "5.10"),
      ("tlbirange-vhe-2023", "6.6"),
    ] {
      for operation in operations {
        cases.append(
          try scenario("container-churn-small", host, kernel) {
            $0.workload.operation = operation
            $0.workload.memory.vcpus = 8
            $0.workload.migration.dirtyPagesPerSecond = 20_000
            $0.workload.migration.workingSet = .gibibytes(1)
            if operation == .mapCreate || operation == .dirty {
              $0.workload.memory.blockShare = 0
              $0.workload.memory.hugeBlockShare = 0
            }
          }
        )
      }
    }
    for workload in ["balloon", "free-page-reporting", "numa-balancing"] {
      cases.append(try scenario(workload, "graviton3", "6.1"))
      cases.append(try scenario(workload, "ampere-altra", "6.12"))
    }
    for path in TeardownPath.allCases {
      let slice = path == .madviseSlices ? ",slice=4MiB,pause=50us" : ""
      for kernel in ["5.15", "6.19"] {
        cases.append(
          try scenario("mixed-thp", "graviton3", kernel, "path=\(path.rawValue)\(slice)")
        )
      }
    }
    return cases
  }

  private static func harvests() throws -> [RecordedCase] {
    var cases: [RecordedCase] = []
    for policy in [
      "harvest=get", "harvest=ring:4096", "log=boot,clear=1GiB", "log=boot,harvest=get",
    ] {
      for kernel in ["6.12", "6.19"] {
        for extent in [Scenario.Extent.window(.brief), .exact] {
          cases.append(
            named(
              extent == .exact ? "whole" : "windowed",
              try scenario("snapshot", "graviton3", kernel, policy) {
                $0.extent = extent
                $0.workload.memory.size = .gibibytes(2)
                $0.workload.migration.workingSet = .mebibytes(512)
              }
            )
          )
        }
      }
    }
    return cases
  }

  private static func storms() throws -> [RecordedCase] {
    var cases: [RecordedCase] = []
    for kernel in ["5.15", "6.1", "6.6", "7.3"] {
      cases.append(try scenario("map-create-storm", "graviton4", kernel))
      for (small, huge) in [(1.0, 0.0), (0.0, 1.0)] {
        cases.append(
          named(
            "blocks \(small) \(huge)",
            try scenario("map-create-storm", "ampere-altra", kernel) {
              $0.workload.memory.blockShare = small
              $0.workload.memory.hugeBlockShare = huge
            }
          )
        )
      }
      for vcpus in [1, 16] {
        cases.append(
          named(
            "vcpus \(vcpus)",
            try scenario("live-migration-4k", "graviton3", kernel) {
              $0.workload.operation = .dirty
              $0.workload.memory.vcpus = vcpus
            }
          )
        )
      }
    }
    return cases
  }

  private static func neighbours() throws -> [RecordedCase] {
    var cases: [RecordedCase] = []
    for workload in ["container-churn-small", "map-create-storm", "live-migration"] {
      for count in [1, 7] {
        cases.append(
          named(
            "neighbours \(count)",
            try scenario(workload, "graviton4", "6.12") { $0.workload.neighbours = count }
          )
        )
      }
    }
    return cases
  }

  private static func dumps() throws -> [RecordedCase] {
    var cases: [RecordedCase] = []
    let folder = packageRoot.appending(path: "models/facts/captures/ptdump").path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasPrefix("6.12") && $0.hasSuffix("stage2_page_tables") }.sorted()
    for file in files {
      let dump = try Stage2Dump(parsing: try capture("ptdump/\(file)"), file: file)
      guard dump.pattern != nil else { continue }
      for policy in ["", "slice=8MiB,napi=threaded", "chunk=visits:512"] {
        cases.append(
          named(
            file,
            try scenario("container-churn", "graviton3", "6.1", policy) {
              let memory = $0.workload.memory
              $0.workload.memory.size = .gibibytes(2)
              $0.layout = .tables(
                try dump.tiled(
                  to: .gibibytes(2),
                  at: memory.base,
                  StageTwoGeometry(granule: $0.host.granule, ipaBits: memory.ipaBits)
                )
              )
            }
          )
        )
      }
    }
    return cases
  }

  private static func switches() throws -> [RecordedCase] {
    try Mechanism.allCases.map { mechanism in
      named(
        "without \(mechanism.rawValue)",
        try scenario("rpc-latency", "qemu-n1-6.1", "6.1") {
          $0.switches = MachineSwitches(without: [mechanism])
        }
      )
    }
  }

  private static func extents() throws -> [RecordedCase] {
    var cases: [RecordedCase] = []
    let policies = ["", "chunk=2MiB", "controller=feedback:2MiB/4", "controller=time:100us/64"]
    for policy in policies + ["slice=2MiB", "tlbi=vmid:16,breaks=no"] {
      for (name, extent) in [("whole", Scenario.Extent.exact), ("fast", .fast(FastRun()))] {
        cases.append(
          named(
            name,
            try scenario("container-churn-small", "graviton3", "6.5", policy) {
              $0.workload.memory.size = .mebibytes(512)
              $0.extent = extent
            }
          )
        )
      }
    }
    for kernel in ["7.3", "6.16"] {
      for model in PreemptionModel.allCases where model == .full || model == .lazy {
        cases.append(
          named(
            model.rawValue,
            try scenario("ci-microvm", "graviton4", kernel) { $0.kernel.preemption = model }
          )
        )
      }
    }
    return cases
  }
}
