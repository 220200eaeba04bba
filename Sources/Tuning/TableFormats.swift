// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import PageTables
import Policies
import Profiles
import Quantities

extension TuningTable {
  /// The table as CSV (RFC 4180), one line an entry, units in the header.
  package var csv: String {
    let responses = shownResponses
    let head =
      [
        "host", "kernel", "workload", "granule", "features", "block_share", "memory_bytes",
        "offered_bits_per_s", "verdict", "present_policy", "recommended_policy",
        "kernel_change_policy", "runs", "seed",
      ]
      + responses.flatMap { ["present_\($0.rawValue)", "recommended_\($0.rawValue)"] }
    let lines = entries.map { entry in
      let key = entry.key
      let start = [
        entry.host, entry.kernel, entry.workload, key.granule, key.features, "\(key.blockShare)",
        "\(key.memory)", "\(key.offered)", entry.verdict.rawValue, entry.present,
        entry.recommended ?? "", entry.kernelChange ?? "", "\(entry.runs)", "\(entry.seed)",
      ]
      return start
        + responses.flatMap { response in
          let effect = entry.effects.first { $0.response == response }
          return [effect?.present, effect?.recommended].map { $0.map { "\($0)" } ?? "" }
        }
    }
    return ([head] + lines).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
  }

  /// The decision table: what a kernel or VMM can know, and what to do then.
  package var decisions: String {
    let head = [
      "operation", "granule", "features", "block_share", "memory_bytes", "offered_bits_per_s",
      "today", "kernel_change",
    ]
    var lines: [[String]] = []
    for entry in entries {
      let key = entry.key
      let line = [
        key.operation.rawValue, key.granule, key.features, "\(key.blockShare)", "\(key.memory)",
        "\(key.offered)", entry.recommended ?? "none", entry.kernelChange ?? "none",
      ]
      if !lines.contains(line) { lines.append(line) }
    }
    return ([head] + lines).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
  }

  /// The table as Markdown, times and shares as people read them.
  package var markdown: String {
    let responses = shownResponses
    let head = ["host", "kernel", "workload", "now", "recommended"] + responses.map(\.phrase)
    var lines = ["| " + head.joined(separator: " | ") + " |"]
    lines.append("|" + head.map { _ in "---|" }.joined())
    for entry in entries {
      let values = responses.map { response in
        let effect = entry.effects.first { $0.response == response }
        let texts = [effect?.present, effect?.recommended].map {
          $0.map { response.written($0) } ?? "-"
        }
        return texts.joined(separator: " -> ")
      }
      let policies = ["`\(entry.present)`", entry.recommended.map { "`\($0)`" } ?? "none"]
      let cells = [entry.host, entry.kernel, entry.workload] + policies + values
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The responses that any entry has, in their fixed order.
  private var shownResponses: [Response] {
    Response.allCases.filter { response in
      entries.contains { $0.effects.contains { $0.response == response } }
    }
  }

  private static func quoted(_ field: String) -> String {
    guard field.contains(where: { ",\"\r\n".contains($0) }) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}

extension TuningTable {
  /// A C header: one macro a value, the baseline beside it, and all entries as an X macro.
  ///
  /// Meant for kernel and VMM trees, hence its licence line.
  package var header: String {
    var lines = [
      "/* SPDX-License-Identifier: GPL-2.0-only OR MIT */",
      "/*",
      " * Stage-2 batch sizes, written by s2tune export. Sizes are bytes, times nanoseconds.",
      " * Engine: \(Self.comment(engine))",
      " */",
      "#ifndef S2TUNE_TABLE_H",
      "#define S2TUNE_TABLE_H",
      "",
      "#define S2TUNE_SCHEMA_VERSION \(schema)",
    ]
    for entry in entries { lines += entry.macros }
    lines += [
      "",
      "/* X(page_shift, features, block_percent, memory, offered, chunk, slice, pause_ns) */",
      "#define S2TUNE_ENTRIES(X)" + entries.map { " \\\n\t\($0.tuple)" }.joined(),
      "",
      "#endif /* S2TUNE_TABLE_H */",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  static func comment(_ text: String) -> String {
    text.replacing("*/", with: "* /").replacing("\n", with: " ")
  }
}

extension TableEntry {
  /// The name of the entry in C: letters, digits and underscores.
  private var symbol: String {
    String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  fileprivate var macros: [String] {
    let prefix = "S2TUNE_\(symbol)"
    let now = policy(present)
    let today = recommended.flatMap(policy)
    let patched = kernelChange.flatMap(policy)
    let provenance = "\(runs) runs, seed \(seed), model \(model ?? "none")"
    var lines = [
      "",
      "/* \(TuningTable.comment(name)): \(key.granule), \(TuningTable.comment(key.features))",
      " * limits: \(TuningTable.comment(limits.joined(separator: " ")))",
      " * \(TuningTable.comment(provenance))",
    ]
    lines += holds.map { " * \(TuningTable.comment($0))" } + [" */"]
    func define(_ name: String, _ value: Int64, _ baseline: Int64) {
      lines.append("#define \(prefix)_\(name) \(value)ULL /* now \(baseline) */")
      lines.append("#define \(prefix)_\(name)_BASELINE \(baseline)ULL")
    }
    define("CHUNK_BYTES", (patched ?? now)?.chunkBytes ?? 0, now?.chunkBytes ?? 0)
    define("SLICE_BYTES", today?.slice?.rawValue ?? 0, now?.slice?.rawValue ?? 0)
    define("PAUSE_NS", today?.pause.rawValue ?? 0, now?.pause.rawValue ?? 0)
    define("RING_ENTRIES", today?.harvest.ringEntries ?? 0, now?.harvest.ringEntries ?? 0)
    define("CLEAR_BYTES", today?.clearRange?.rawValue ?? 0, now?.clearRange?.rawValue ?? 0)
    define("SPLIT_BYTES", today?.eagerSplit.rawValue ?? 0, now?.eagerSplit.rawValue ?? 0)
    lines.append("#define \(prefix)_MEMORY_BYTES_MAX \(key.memory)ULL")
    return lines
  }

  /// The entry as arguments of the X macro.
  fileprivate var tuple: String {
    let today = recommended.flatMap(policy)
    let patched = kernelChange.flatMap(policy) ?? policy(present)
    let values = [
      pageShift, Int64((key.blockShare * 100).rounded()), key.memory, key.offered,
      patched?.chunkBytes ?? 0, today?.slice?.rawValue ?? 0, today?.pause.rawValue ?? 0,
    ]
    let numbers = values.map { "\($0)ULL" }
    let rest = numbers.dropFirst().joined(separator: ", ")
    return "X(\(numbers[0]), \"\(key.features)\", \(rest))"
  }

  private var pageShift: Int64 {
    switch key.granule {
    case "16K": 14
    case "64K": 16
    default: 12
    }
  }
}

extension Policy {
  /// The chunk in bytes where it has a fixed size; the named rules are sizes in canonical form.
  fileprivate var chunkBytes: Int64? {
    switch chunk {
    case .fixed(let size), .mappingAware(let size): return size.rawValue
    default: return nil
    }
  }
}
