// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Profiles
import TestSupport

@testable import Tuning

/// A stored answer, and where it is about.
struct StoredAnswer {
  let file: String
  let setup: LoadedSetup
  let rows: [Row]
  let apply: [ApplyStep]

  /// What tests read of a row.
  struct Row: Decodable {
    let policy: String
    let recommended: Bool
  }

  private struct Stored: Decodable {
    struct Asked: Decodable {
      let host: String
      let kernel: String
      let workload: String
    }
    struct Answer: Decodable {
      let asked: Asked
      let rows: [Row]
      let apply: [ApplyStep]
    }
    let answer: Answer
  }

  /// All that ship, in the order of their names.
  static func all() throws -> [StoredAnswer] {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    let folder = packageRoot.appending(path: "models/answers")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return try names.filter { $0.hasSuffix(".json") }.sorted().map { name in
      let data = try Data(contentsOf: folder.appending(path: name))
      let answer = try JSONDecoder().decode(Stored.self, from: data).answer
      let setup = try LoadedSetup(
        workload: answer.asked.workload,
        host: answer.asked.host,
        kernel: answer.asked.kernel,
        from: store
      )
      return StoredAnswer(file: name, setup: setup, rows: answer.rows, apply: answer.apply)
    }
  }
}
