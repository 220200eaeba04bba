// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Foundation
import Profiles
import Reports
import Tuning

/// `s2tune host`: the machine itself as a profile.
struct HostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Reads a machine and makes a host profile of it.",
    subcommands: [DetectHost.self]
  )
}

/// `s2tune host detect`.
struct DetectHost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Says what this host is, as far as its files show, and writes its profile.",
    discussion: """
      Plain reads of /proc, /sys, /boot and the boot's log: nothing is written there or started, \
      nothing needs root. Core, features, granule, queues and rates, release, preemption and ticks \
      come with the file that says them; what no file says is the closest shipped host's, and is \
      listed with the command that tells. --host auto and --kernel auto of the other commands read \
      the same. scripts/collect-host copies a machine's files for --root. Examples:
        s2tune host detect --root bundle
        s2tune host detect -o hosts/mine.yaml
        s2tune recommend --workload container-churn --host mine
        s2tune recommend --workload live-migration --host auto --kernel auto
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(
    help: ArgumentHelp(
      "Where /proc and /sys are: / or a copy. (default: S2TUNE_ROOT, else /)",
      valueName: "dir"
    ),
    completion: .directory
  )
  var root: String?
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Writes the profile; in a directory 'hosts' the file's name is the host's.",
      valueName: "file"
    ),
    completion: .file(extensions: ["yaml"])
  )
  var output: String?
  @Flag(help: "Replaces a file that exists.")
  var force = false

  /// What was read, the VMMs that run, and the profile as a file has it.
  struct Document: Encodable {
    let detected: DetectedHost
    let guests: [GuestProcess]
    let profile: String
    let kernelProfile: String

    enum CodingKeys: String, CodingKey {
      case detected, guests, profile
      case kernelProfile = "kernel_profile"
    }
  }

  func run() throws {
    let files = try MachineFiles.files(root)
    let host: DetectedHost
    do throws(DetectionError) {
      host = try HostDetector.detect(files)
    } catch {
      throw Failure.data(error.description)
    }
    let name = try profileName()
    let (profile, kernel) = (host.hostProfile(name), host.kernelProfile(name))
    // What is written can be read: values of two files may contradict each other.
    let store = try common.store().making { kind, _ throws(ProfileError) in
      kind == .host ? profile : kernel
    }
    _ = try store.load(HostProfile.self, named: Self.probe)
    if host.hasRelease { _ = try store.load(KernelProfile.self, named: Self.probe) }
    if let output { try UserFile.write(profile, to: output, force: force) }
    guard common.format == .text else {
      let document = Document(
        detected: host,
        guests: files.runningGuests(),
        profile: profile,
        kernelProfile: kernel
      )
      return try answer(json: document, .hostDetect)
    }
    try answer(host.text(guests: files.runningGuests(), host: output == nil ? nil : name))
  }

  /// A name that no file has.
  private static let probe = "detected-host"

  /// The profile's name: the file's without its ending.
  private func profileName() throws -> String {
    try output.map(ProfileOutput.name) ?? DetectedProfiles.name
  }
}
