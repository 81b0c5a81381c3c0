import Glibc

/// Keeps the real standard output for the protocol, and points descriptor 1 at standard error: whatever a library
/// prints can then not get between the messages. To be called before anything else.
///
/// - Returns: the descriptor to write messages to; child processes do not get it.
package func keepStandardOutput() -> Int32 {
    let kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    precondition(kept >= 0, "there is no standard output")
    dup2(STDERR_FILENO, STDOUT_FILENO)
    return kept
}
