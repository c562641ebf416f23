print("docintake")
