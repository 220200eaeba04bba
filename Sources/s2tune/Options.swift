// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Foundation
import Operations
import Profiles
import Quantities

/// How an answer is written.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// The options of every command.
struct CommonOptions: ParsableArguments {
  @Option(help: "How the answer is written.")
  var format = OutputFormat.text

  @OptionGroup var models: ModelOptions

  /// The profiles and models this command sees.
  func store() throws -> ProfileStore { try models.store() }
}

/// Where profiles and models are found.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A directory of models that is searched first; then S2TUNE_MODELS, the working directory where it "
        + "has hosts, kernels or workloads, beside the program, the package.",
      valueName: "dir"
    ),
    completion: .directory
  )
  var models: String?

  /// The profiles and models this command sees.
  func store() throws -> ProfileStore {
    if let models {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: models, isDirectory: &isDirectory),
        isDirectory.boolValue
      else { throw Failure.usage("--models '\(models)' is not a directory; name one that exists") }
      guard ProfileStore(directories: [URL(fileURLWithPath: models)]).holdsModels else {
        throw Failure.usage(
          "--models '\(models)' holds no models; name a directory with profiles, such as "
            + "hosts/NAME.yaml, or with answers or a cost model"
        )
      }
    }
    return ProfileStore.standard(named: models).making(DetectedProfiles.text)
  }
}

/// The options that say what is asked about: workload, host, kernel, and values of one's own.
struct QuestionOptions: ParsableArguments {
  @Option(help: ProfileKind.workload.help, completion: ProfileKind.workload.completion)
  var workload: String

  @Option(help: ProfileKind.host.help, completion: ProfileKind.host.completion)
  var host: String

  @Option(help: ProfileKind.kernel.help, completion: ProfileKind.kernel.completion)
  var kernel = Self.standardKernel

  /// The kernel that is asked about where nobody names one.
  static let standardKernel = "6.1"

  @OptionGroup var changes: ChangeOptions

  /// The profiles with the values of this question in them.
  func load(from store: ProfileStore) throws -> LoadedSetup {
    try changes.load(from: store, workload: workload, host: host, kernel: kernel)
  }
}

/// The options that say what is asked about, where a question may also be about all hosts and workloads.
struct AnyQuestionOptions: ParsableArguments {
  @Option(help: ProfileKind.workload.help, completion: ProfileKind.workload.completion)
  var workload: String?

  @Option(help: ProfileKind.host.help, completion: ProfileKind.host.completion)
  var host: String?

  @Option(help: ProfileKind.kernel.help, completion: ProfileKind.kernel.completion)
  var kernel = QuestionOptions.standardKernel

  @OptionGroup var changes: ChangeOptions

  /// The profiles with the values of a question about one host and one workload in them.
  func load(from store: ProfileStore) throws -> LoadedSetup {
    guard let workload, let host else {
      let missing = workload == nil ? "--workload" : "--host"
      throw Failure.usage(
        "\(missing) is missing; 's2tune profiles list' has its names, and only --robust needs none"
      )
    }
    return try changes.load(from: store, workload: workload, host: host, kernel: kernel)
  }
}

extension ProfileKind {
  /// What the option is that names a profile of the kind.
  fileprivate var help: ArgumentHelp { "The \(rawValue) profile." }

  /// The names that a shell may offer for it.
  fileprivate var completion: CompletionKind { .custom { _, _, _ in names(of: self) } }
}

/// Values of one's own in the profiles of a question.
struct ChangeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Sets one value of a profile for this question; may be repeated.",
      valueName: "key=value"
    )
  )
  var set: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file that a host, a test or a VMM recorded ('s2tune observe' says what it sets); may be repeated. "
        + "--set wins over it.",
      valueName: "file"
    ),
    completion: .file()
  )
  var observed: [String] = []

  @Option(
    name: .customLong("stage2-dump"),
    help: ArgumentHelp(
      "A stage2_page_tables file of a real guest; its mix of leaves and holes is repeated over the "
        + "workload's memory.",
      valueName: "file"
    ),
    completion: .file()
  )
  var dump: String?

  /// Three profiles with these values in them; says on standard error which values this workload never
  /// reads, unless the same was said before.
  func load(
    from store: ProfileStore,
    workload: String,
    host: String,
    kernel: String,
    isRepeated: Bool = false
  ) throws -> LoadedSetup {
    let seen = try Evidence(observed)
    let own = try set.map(Self.change)
    let changes = seen.settings.filter { one in !own.contains { $0.key == one.key } }
    var loaded = try LoadedSetup(
      workload: workload,
      host: host,
      kernel: kernel,
      from: store,
      setting: changes + own
    )
    if !isRepeated {
      if !seen.settings.isEmpty {
        note("observed: \(seen.assignments.joined(separator: " "))")
      }
      noteUnread(in: loaded.workload.profile)
    }
    if let dump {
      let (host, memory) = (loaded.host.profile, loaded.workload.profile.memory)
      try loaded.layOut(DumpFile.read(dump, granule: host.granule, ipaBits: memory.ipaBits))
    }
    return loaded
  }

  /// One line for each value that changes nothing in a workload.
  private func noteUnread(in workload: WorkloadProfile) {
    for assignment in set {
      let key = String(assignment.prefix { $0 != "=" })
      guard let reason = workload.unreadReason(ofKey: key) else { continue }
      note("--set \(key) is not read here: \(reason)")
    }
  }

  /// One `key=value`, refused where no profile has the key.
  private static func change(_ assignment: String) throws -> LoadedSetup.Change {
    let parts = assignment.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw Failure.usage("--set '\(assignment)' is not legal; write key=value")
    }
    guard LoadedSetup.hasKey(parts[0]) else {
      throw Failure.usage(
        "--set key '\(parts[0])' does not exist in any profile; 's2tune profiles keys' lists them"
          + didYouMean(parts[0], among: LoadedSetup.keys)
      )
    }
    return (parts[0], parts[1])
  }
}

extension ProfileStore {
  /// The names that an option means: those of a list separated by commas, or all of a kind.
  func names(_ text: String, of kind: ProfileKind) -> [String] {
    text == "all" ? names(of: kind) : text.split(separator: ",").map(String.init)
  }
}

/// The profile names of a kind, for shell completion.
func names(of kind: ProfileKind) -> [String] {
  ProfileStore.standard(named: nil).names(of: kind)
}
