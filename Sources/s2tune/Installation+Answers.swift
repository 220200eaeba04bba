// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import CostModels
import Foundation
import Operations
import Profiles
import Tuning

/// A stored answer by the names of its question.
struct StoredAnswer {
  let host: String
  let kernel: String
  let workload: String

  /// The answers below a directory of models, sorted.
  static func all(in directory: URL) -> [StoredAnswer] {
    let root = directory.appendingPathComponent("answers").path
    let files = FileManager.default
    func names(_ path: String) -> [String] {
      ((try? files.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
    return names(root).flatMap { host in
      names("\(root)/\(host)").flatMap { kernel in
        names("\(root)/\(host)/\(kernel)").filter { $0.hasSuffix(".json") }.map {
          StoredAnswer(host: host, kernel: kernel, workload: String($0.dropLast(5)))
        }
      }
    }
  }
}

extension Installation {
  /// What answers: the cost model, and the answers that are stored.
  static func answering(_ store: ProfileStore) -> [Finding] {
    do throws(CostModelError) {
      switch try ShippedModel(in: store) {
      case .none:
        let text = "there is none; answers come from runs alone, which takes longer"
        return [
          Finding("model", .remark, text, remedy: "s2tune fit makes one"),
          answers(store, model: nil),
        ]
      case .stale(let sentence):
        let remedy = "s2tune fit makes a new one; until then answers come from runs alone"
        return [
          Finding("model", .remark, sentence, remedy: remedy), answers(store, model: nil),
        ]
      case .model(let model, let file):
        return [
          Finding("model", .good, "\(file) goes with this simulator"),
          answers(store, model: model),
        ]
      }
    } catch {
      let remedy = "put the shipped file back, or answer by runs alone with --cost-model none"
      return [Finding("model", .broken, error.description, remedy: remedy)]
    }
  }

  /// How many of the stored answers answer today's question with today's simulator and model.
  private static func answers(_ store: ProfileStore, model: CostModel?) -> Finding {
    let stored = store.directories.flatMap(StoredAnswer.all)
    guard !stored.isEmpty else {
      return Finding("answers", .remark, "none is stored; each question is run when it is asked")
    }
    let engine = TuningTools(model: model, workers: 1).engine
    var (current, stale, other) = (0, 0, 0)
    do {
      for one in stored {
        switch try store.answers.find(one.question(store), engine: engine) {
        case .answer: current += 1
        case .stale: stale += 1
        case .nothing: other += 1
        }
      }
    } catch {
      let remedy = "remove that file, or answer anew with --fresh"
      return Finding("answers", .broken, "\(error)", remedy: remedy)
    }
    let text = "\(current) of \(stored.count) stored answers are used as they are"
    guard current < stored.count else { return Finding("answers", .good, text) }
    let rest = "\(stale) are of another simulator or model, \(other) of profiles that have changed"
    return Finding(
      "answers",
      .remark,
      "\(text); \(rest)",
      remedy: "such questions are run when they are asked; s2tune export --keep stores new answers"
    )
  }

  /// Whether this machine can be asked about by itself; any other host can be asked about anywhere.
  static func machine() -> Finding {
    do {
      let files = try MachineFiles.files()
      let host = try HostDetector.detect(files)
      guard files.holdsKVM else {
        return Finding("machine", .good, "\(host.summary); there is no /dev/kvm")
      }
      let text = "\(host.summary), with KVM: --host auto --kernel auto ask about it"
      return Finding("machine", .good, text)
    } catch {
      let text = "no arm64 KVM host, so that --host auto is not to be had; all other hosts are"
      return Finding("machine", .good, text)
    }
  }
}

extension StoredAnswer {
  /// The question as it is asked where nothing but the names is given.
  fileprivate func question(_ store: ProfileStore) throws -> Question {
    let loaded = try LoadedSetup(workload: workload, host: host, kernel: kernel, from: store)
    return Question(loaded.setup)
  }
}
