// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Profiles

extension HostFiles {
  /// A value and the file that says it.
  package struct Reading: Hashable, Sendable {
    /// The value.
    package let value: String
    /// The file, below the root.
    package let source: String
  }

  /// The largest configuration of a kernel and the largest log, in bytes.
  private static let (configurationLimit, logLimit) = (1 << 20, 1 << 26)

  /// The name of the running release, such as `6.1.0-50-arm64`.
  package func releaseName() throws(Silence) -> String { try value("/proc/sys/kernel/osrelease") }

  /// The release whose code runs.
  ///
  /// Distributions number their packages: the upstream release stands in
  /// Ubuntu's signature, and in the parentheses of Debian's version.
  package func release() throws(Silence) -> (release: KernelRelease, reading: Reading) {
    let signature = "/proc/version_signature"
    if let words = try? value(signature).split(separator: " "), let last = words.last,
      let release = Self.release(last)
    {
      return (release, Reading(value: String(last), source: signature))
    }
    let version = "/proc/version"
    if let text = try? value(version), let mark = text.firstRange(of: " Debian "),
      let release = Self.release(text[mark.upperBound...])
    {
      return (release, Reading(value: release.description, source: version))
    }
    let name = try releaseName()
    guard let release = Self.release(name[...]) else {
      throw Silence(
        path: "/proc/sys/kernel/osrelease",
        "'\(name.prefix(40))' is no release such as 6.12"
      )
    }
    return (release, Reading(value: name, source: "/proc/sys/kernel/osrelease"))
  }

  /// The release at the beginning of a text.
  private static func release(_ text: Substring) -> KernelRelease? {
    let numbers = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let parts = numbers.split(separator: ".").prefix(3)
    return try? KernelRelease(written: parts.joined(separator: "."))
  }

  /// The options that a kernel was built with, and the file that says them.
  package struct Configuration: Hashable, Sendable {
    /// Values by option, `CONFIG_` before each.
    package let options: [String: String]
    /// The file, below the root.
    package let source: String
  }

  /// The options of the running kernel; none where its configuration is not in `/boot`.
  package func configuration() throws(Silence) -> Configuration {
    let path = "/boot/config-\(try releaseName())"
    var options: [String: String] = [:]
    for line in try text(path, limit: Self.configurationLimit).split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, line.hasPrefix("CONFIG_") else { continue }
      options[String(parts[0])] = String(parts[1])
    }
    guard !options.isEmpty else { throw Silence(path: path, "it has no option CONFIG_...=") }
    return Configuration(options: options, source: path)
  }

  /// The words of the kernel's command line.
  package func commandLine() throws(Silence) -> [String] {
    try value("/proc/cmdline").split(separator: " ").map(String.init)
  }

  /// Where logs of the boot are.
  private static let logs = [
    "/var/log/dmesg", "/var/log/kern.log", "/var/log/messages", "/var/log/syslog",
  ]

  /// The lines of a boot, and the file that has them.
  package struct BootLog: Hashable, Sendable {
    /// The lines, from the first that the kernel says.
    package let lines: [Substring]
    /// The file, below the root.
    package let source: String
  }

  /// The last boot, from the first log that has one.
  package func bootLog() throws(Silence) -> BootLog {
    var silence: Silence?
    for path in Self.logs {
      do throws(Silence) {
        let lines = try text(path, limit: Self.logLimit).split(separator: "\n")
        guard let start = lines.lastIndex(where: { $0.contains("Booting Linux on physical CPU") })
        else {
          silence = silence ?? Silence(path: path, "it has no boot of an arm64 kernel")
          continue
        }
        return BootLog(lines: Array(lines[start...]), source: path)
      } catch {
        silence = silence ?? error
      }
    }
    throw silence ?? Silence(path: Self.logs[0], "there is none")
  }
}
