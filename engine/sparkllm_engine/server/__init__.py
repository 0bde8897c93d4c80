"""The engine as a process: Arrow Flight on a Unix domain socket, shared by an executor's tasks."""
