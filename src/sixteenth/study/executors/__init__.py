"""Where runs are trained: in this process, or in several of this machine."""
