"""A page that follows a running study, on this machine.

follow     what the study's folder says, as parts of a page; reads only
drawing    those parts that take seconds to make, in a thread of their own
server     the page by HTTP, for who has its address
beside     the page in a process of its own, for the time of a training
"""
