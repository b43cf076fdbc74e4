"""The case for running a plan unattended: five questions, and the evidence that answers each."""
