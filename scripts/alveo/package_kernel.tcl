# Packages the kernel for Vitis: sources and kernel.xml become crossweave.xo. Run by build.sh:
#   vivado -mode batch -source package_kernel.tcl -tclargs KERNEL_FOLDER RTL_FOLDER PART XO
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
lassign $argv kernel_folder rtl_folder part xo
set kernel crossweave
set work [file join $kernel_folder vivado]

create_project -force package $work -part $part
set sources [glob -directory $rtl_folder pkg/*.sv]
foreach folder {csr dma sequencer tile top} {
  foreach file [lsort [glob -directory [file join $rtl_folder $folder] *.sv]] { lappend sources $file }
}
add_files -norecurse [concat $sources [file join $kernel_folder $kernel.v]]
set_property top $kernel [current_fileset]
update_compile_order -fileset sources_1

# The name and the version are those of kernel.xml.
set descriptor [open [file join $kernel_folder kernel.xml]]
set text [read $descriptor]
close $descriptor
if {![regexp {vlnv="([^:"]+):([^:"]+):([^:"]+):([^"]+)"} $text _ vendor library name version]} { error "kernel.xml has no vlnv" }
if {$name ne $kernel} { error "kernel.xml describes $name, expected $kernel" }

ipx::package_project -root_dir [file join $work ip] -vendor $vendor -library $library -taxonomy /KernelIP -import_files -set_current true
set core [ipx::current_core]
set_property name $kernel $core
set_property version $version $core
set_property sdx_kernel true $core
set_property sdx_kernel_type rtl $core
set_property supported_families {} $core
set_property auto_family_support_level level_2 $core

# One clock for all ports; package_xo finds the masters and s_axi_control by their names.
set masters {}
foreach {_ port} [regexp -all -inline {<port name="(m_axi_[a-z0-9]+)"} $text] { lappend masters $port }
foreach port [concat s_axi_control $masters] { ipx::associate_bus_interfaces -busif $port -clock ap_clk $core }
ipx::associate_bus_interfaces -clock ap_clk -reset ap_rst_n $core
foreach port $masters {
  # Engines only read; without write channels the interface says so itself.
  if {[llength [ipx::get_bus_interfaces $port -of_objects $core]] != 1} { error "no AXI master $port was inferred" }
}

ipx::update_source_project_archive -component $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity -kernel $core
ipx::save_core $core

file delete -force $xo
package_xo -xo_path $xo -kernel_name $kernel -ip_directory [file join $work ip] -kernel_xml [file join $kernel_folder kernel.xml] -ctrl_protocol ap_ctrl_hs
close_project -delete
