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
  /// Reads a `stage2_page_tables` file; refuses one of other IPA bits or levels, and says on standard
  /// error where a larger page fits it as well.
  static func read(_ path: String, granule: Granule, ipaBits: Int? = nil) throws -> Stage2Dump {
    let dump = try Stage2Dump(reading: TextLines(path), granule: granule)
    let bits = ipaBits ?? dump.ipaBits ?? standardBits
    if let reason = dump.contradiction(ipaBits: bits) {
      let way =
        dump.fittingBits.map { "set --ipa-bits or vm.ipa_bits to \($0)" }
        ?? "no width of IPA fits it; set the page size to the host's"
      throw Failure.data("\(path): \(reason); \(way)")
    }
    if let larger = dump.largerGranule {
      note(
        "\(path): read with pages of \(granule.rawValue); every leaf fits pages of "
          + "\(larger.rawValue) as well, hardly by chance: --granule \(larger.rawValue), or --set "
          + "host.granule=\(larger.rawValue)"
      )
    }
    return dump
  }

  /// IPA bits where nobody says otherwise.
  static let standardBits = 40
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
