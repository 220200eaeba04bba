// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import Operations
import PageTables
import Profiles
import Quantities

/// Stage-2 dumps as the commands take them.
enum DumpFile {
  /// Reads a `stage2_page_tables` file.
  static func read(_ path: String, granule: Granule) throws -> Stage2Dump {
    try Stage2Dump(reading: TextLines(path), granule: granule)
  }
}

extension LoadedSetup {
  /// Gives the guest a dump's mix of leaves and holes, and the workload the shares that result.
  mutating func layOut(_ source: Stage2Dump) throws {
    let memory = workload.profile.memory
    guard source.pattern != nil else {
      throw Failure.data("\(source.file): the dump maps no memory; take it while the guest runs")
    }
    let laidOut = try source.tiled(
      to: memory.size,
      at: memory.base,
      StageTwoGeometry(granule: host.profile.granule, ipaBits: memory.ipaBits)
    )
    guard laidOut.mappedBytes > .zero else {
      throw Failure.data("\(source.file): nothing of the dump's pattern fits into vm.memory")
    }
    try layOut(laidOut, from: source.file)
  }
}

extension LogError: Refusal {
  var status: Status { .data }
}
