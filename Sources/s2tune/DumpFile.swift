// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import PageTables

/// Stage-2 dumps as the commands take them.
enum DumpFile {
  /// Reads a `stage2_page_tables` file; refuses one of other IPA bits or levels, and says on standard
  /// error where a larger page fits it as well.
  static func read(_ path: String, granule: Granule, ipaBits: Int? = nil) throws -> Stage2Dump {
    let dump = try Stage2Dump(reading: TextLines(path), granule: granule)
    let bits = ipaBits ?? dump.ipaBits ?? standardBits
    try dump.require(ipaBits: bits)
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

extension EvidenceError: Refusal {
  var status: Status { .data }
}

extension LogError: Refusal {
  var status: Status { .data }
}
