// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities
import TestSupport
import Testing

@testable import Calibration

@Suite struct SelftestLogTests {
  func log(_ name: String) throws -> SelftestLog {
    try SelftestLog(parsing: try capture("selftests/\(name)"), file: name)
  }

  @Test func readsThePageTableTest() throws {
    let mode = try #require(
      log("7.3.4_smp1_kvm_page_table_test_m6_b256M_sanonymous_v1.txt").modes.first
    )
    #expect(mode.memory == .mebibytes(256))
    #expect(mode.backing == "anonymous")
    #expect(mode.vcpus == 1)
    #expect(
      mode.measurements == [
        .init(name: "KVM_CREATE_MAPPINGS", iteration: nil, time: .nanoseconds(655_655_904)),
        .init(name: "KVM_UPDATE_MAPPINGS", iteration: nil, time: .nanoseconds(304_895_056)),
        .init(name: "KVM_ADJUST_MAPPINGS", iteration: nil, time: .nanoseconds(366_608)),
      ]
    )
  }

  @Test func readsTheIterationsOfTheDirtyLogTest() throws {
    let mode = try #require(
      log("7.3.4_smp1_dirty_log_perf_test_m6_b256M_v1_sanonymous.txt").modes.first
    )
    #expect(mode.memory == .mebibytes(256))
    let clears = mode.measurements.filter { $0.name == "clear dirty log" }
    #expect(clears.map(\.iteration) == [1, 2])
    #expect(clears.map(\.time) == [.nanoseconds(11_987_920), .nanoseconds(15_994_800)])
  }

  @Test func aLogWithoutModeOptionHoldsEveryMode() throws {
    #expect(try log("6.12.107_smp1_kvm_page_table_test_b32M_sanonymous_v1.txt").modes.count > 1)
  }

  @Test func everyCapturedLogWithTimesIsRead() throws {
    let folder = packageRoot.appending(path: "models/facts/captures/selftests")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.contains("page_table") || $0.contains("dirty_log")
    }
    #expect(names.count == 19)
    for name in names {
      #expect(try log(name).modes.allSatisfy { !$0.measurements.isEmpty })
    }
  }

  @Test(arguments: [
    "KVM_CREATE_MAPPINGS: total execution time: 0.65s",
    "Iteration x dirty memory time: 0.655655904s",
    "Enabling dirty logging time: -1.000000000s",
    "Testing memory size(aligned): 0xzz",
    "guest physical test memory: [0x2000, 0x1000)",
  ])
  func refusesACorruptLineByItsNumber(line: String) {
    let text = "Testing guest mode: m\n\(line)\n"
    let error = #expect(throws: LogError.self) {
      try SelftestLog(parsing: Array(text.utf8), file: "t")
    }
    #expect(error?.line == 2)
    #expect(error?.description.contains(line.prefix(40)) == true)
  }

  @Test func refusesALogWithoutTimes() {
    let text = "Testing guest mode: m\n1..0 # SKIP\n"
    #expect(throws: LogError.self) { try SelftestLog(parsing: Array(text.utf8), file: "t") }
  }
}
