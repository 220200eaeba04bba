// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import PageTables
import Profiles
import Quantities

/// Stage-2 dumps as the commands take them.
enum DumpFile {
  /// Reads a `stage2_page_tables` file.
  static func read(_ path: String, granule: Granule) throws -> Stage2Dump {
    let text = try UserFile.read(path)
    return try Stage2Dump(parsing: text.utf8, file: path, granule: granule)
  }
}

extension LoadedQuestion {
  /// Gives the guest a dump's mix of leaves and holes, and the workload the shares that result.
  mutating func layOut(_ source: Stage2Dump) throws {
    let memory = workload.profile.memory
    let granule = host.profile.granule
    guard source.pattern != nil else {
      throw Failure.data("\(source.file): the dump maps no memory; take it while the guest runs")
    }
    let laidOut = try source.tiled(
      to: memory.size,
      at: memory.base,
      StageTwoGeometry(granule: granule, ipaBits: memory.ipaBits)
    )
    func share(_ level: Int) -> Double {
      Double(laidOut.leafCounts[level]) * Double(granule.entrySize(level: level).rawValue)
    }
    let mapped = [1, 2, 3].map(share).reduce(0, +)
    guard mapped > 0 else {
      throw Failure.data("\(source.file): nothing of the dump's pattern fits into vm.memory")
    }
    tables = laidOut
    dump = source.file
    try set("vm.block_share=0")
    try set("vm.huge_block_share=\(share(1) / mapped)")
    try set("vm.block_share=\(share(2) / mapped)")
    try set("vm.touched_share=\(min(1, mapped / Double(memory.size.rawValue)))")
  }
}

extension LogError: Refusal {
  var status: Status { .data }
}
